package causeway;

/** The types of Thrift's binary protocol, shifted so that a type and a field's id make one number: {@code STRING | 1}. */
public final class ThriftType {
  public static final int STOP = 0;
  public static final int BOOL = 2 << 16;
  public static final int I8 = 3 << 16;
  public static final int DOUBLE = 4 << 16;
  public static final int I16 = 6 << 16;
  public static final int I32 = 8 << 16;
  public static final int I64 = 10 << 16;
  public static final int STRING = 11 << 16;
  public static final int STRUCT = 12 << 16;
  public static final int MAP = 13 << 16;
  public static final int SET = 14 << 16;
  public static final int LIST = 15 << 16;
  public static final int UUID = 16 << 16;

  private ThriftType() {}
}
