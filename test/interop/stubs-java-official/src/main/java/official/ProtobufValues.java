package official;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Values of Google's library, by its own description of its types. */
record ProtobufValues(Random random) {
  /** What the Thrift IDL calls required has to be there. */
  private static final Set<String> REQUIRED = Set.of("kinds.Inner.at");

  Message make(Message.Builder made, int depth) {
    if (made.getDescriptorForType().getName().equals("Choice")) {
      List<FieldDescriptor> all = made.getDescriptorForType().getFields();
      FieldDescriptor one = all.get(depth > 3 ? 0 : random.nextInt(all.size()));
      return made.setField(one, value(made, one, depth)).build();
    }
    for (FieldDescriptor field : made.getDescriptorForType().getFields()) {
      if (field.isMapField()) continue;
      if (field.isRepeated()) {
        // Some stand for sets.
        Set<Object> elements = new LinkedHashSet<>();
        for (int count = depth > 3 ? 0 : random.nextInt(4); count > 0; count--) elements.add(value(made, field, depth));
        elements.forEach(each -> made.addRepeatedField(field, each));
      } else {
        boolean message = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
        boolean entry = field.getContainingType().getName().endsWith("Entry");
        boolean leave = message && !entry && !REQUIRED.contains(field.getFullName()) && (depth > 3 || random.nextInt(3) == 0);
        if (!leave) made.setField(field, value(made, field, depth));
      }
    }
    addMaps(made, depth);
    return made.build();
  }

  /** As repeated entries; of two with one key the last would win, so there is one. */
  private void addMaps(Message.Builder made, int depth) {
    for (FieldDescriptor field : made.getDescriptorForType().getFields()) {
      if (field.isMapField() && depth <= 3 && random.nextInt(3) > 0) made.addRepeatedField(field, make(made.newBuilderForField(field), depth + 1));
    }
  }

  private Object value(Message.Builder of, FieldDescriptor field, int depth) {
    Scalars scalars = new Scalars(random);
    return switch (field.getJavaType()) {
      case BOOLEAN -> random.nextBoolean();
      // What stands for i8 and i16 has their range.
      case INT -> (int) (byte) random.nextInt();
      case LONG -> scalars.ofLong();
      case FLOAT -> (float) scalars.ofDouble();
      case DOUBLE -> scalars.ofDouble();
      case STRING -> scalars.ofText();
      case BYTE_STRING -> ByteString.copyFrom(scalars.ofBytes());
      case ENUM -> named(field);
      case MESSAGE -> make(of.newBuilderForField(field), depth + 1);
    };
  }

  /** A zero that only Protobuf needs says nothing. */
  private EnumValueDescriptor named(FieldDescriptor field) {
    List<EnumValueDescriptor> all = field.getEnumType().getValues().stream().filter(each -> !each.getName().endsWith("_UNSPECIFIED")).toList();
    return all.get(random.nextInt(all.size()));
  }
}
