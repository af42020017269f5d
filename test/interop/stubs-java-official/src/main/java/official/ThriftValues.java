package official;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.thrift.TBase;
import org.apache.thrift.TDeserializer;
import org.apache.thrift.TException;
import org.apache.thrift.TFieldIdEnum;
import org.apache.thrift.TFieldRequirementType;
import org.apache.thrift.TSerializer;
import org.apache.thrift.TUnion;
import org.apache.thrift.meta_data.EnumMetaData;
import org.apache.thrift.meta_data.FieldMetaData;
import org.apache.thrift.meta_data.FieldValueMetaData;
import org.apache.thrift.meta_data.ListMetaData;
import org.apache.thrift.meta_data.MapMetaData;
import org.apache.thrift.meta_data.SetMetaData;
import org.apache.thrift.meta_data.StructMetaData;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TType;

/** Values of Apache Thrift's library, by its own description of its types. */
@SuppressWarnings({"rawtypes", "unchecked"})
record ThriftValues(Random random) {
  static byte[] encode(TBase value) throws TException {
    return new TSerializer(new TBinaryProtocol.Factory()).serialize(value);
  }

  static TBase decode(TBase into, byte[] bytes) throws TException {
    new TDeserializer(new TBinaryProtocol.Factory()).deserialize(into, bytes);
    return into;
  }

  TBase make(Class<? extends TBase> type, int depth) throws ReflectiveOperationException {
    TBase made = type.getDeclaredConstructor().newInstance();
    Map<TFieldIdEnum, FieldMetaData> fields = (Map) FieldMetaData.getStructMetaDataMap((Class) type);
    if (made instanceof TUnion) {
      List<TFieldIdEnum> all = new ArrayList<>(fields.keySet());
      TFieldIdEnum one = all.get(depth > 3 ? 0 : random.nextInt(all.size()));
      made.setFieldValue(one, value(fields.get(one).valueMetaData, depth));
      return made;
    }
    for (Map.Entry<TFieldIdEnum, FieldMetaData> field : fields.entrySet()) {
      boolean optional = field.getValue().requirementType == TFieldRequirementType.OPTIONAL;
      boolean leave = optional && (random.nextInt(3) == 0 || depth > 3);
      if (!leave) made.setFieldValue(field.getKey(), value(field.getValue().valueMetaData, depth));
    }
    return made;
  }

  private Object value(FieldValueMetaData type, int depth) throws ReflectiveOperationException {
    if (type instanceof EnumMetaData meta) return meta.enumClass.getEnumConstants()[random.nextInt(meta.enumClass.getEnumConstants().length)];
    if (type instanceof StructMetaData meta) return make(meta.structClass, depth + 1);
    int count = depth > 3 ? 0 : random.nextInt(4);
    if (type instanceof ListMetaData meta) {
      List<Object> list = new ArrayList<>();
      for (int i = 0; i < count; i++) list.add(value(meta.elemMetaData, depth + 1));
      return list;
    }
    if (type instanceof SetMetaData meta) {
      Set<Object> set = new HashSet<>();
      for (int i = 0; i < count; i++) set.add(value(meta.elemMetaData, depth + 1));
      return set;
    }
    if (type instanceof MapMetaData meta) {
      Map<Object, Object> map = new HashMap<>();
      for (int i = 0; i < count; i++) map.put(value(meta.keyMetaData, depth + 1), value(meta.valueMetaData, depth + 1));
      return map;
    }
    Scalars scalars = new Scalars(random);
    return switch (type.type) {
      case TType.BOOL -> random.nextBoolean();
      case TType.BYTE -> (byte) random.nextInt();
      case TType.I16 -> (short) random.nextInt();
      case TType.I32 -> scalars.ofInt();
      case TType.I64 -> scalars.ofLong();
      case TType.DOUBLE -> scalars.ofDouble();
      default -> type.isBinary() ? ByteBuffer.wrap(scalars.ofBytes()) : scalars.ofText();
    };
  }
}
