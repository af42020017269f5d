package cross;

import java.util.Arrays;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TJSONProtocol;
import org.apache.thrift.protocol.TProtocolFactory;

/**
 * Apache Thrift's library for Java as client and as server of its own cross-test service.
 *
 * <pre>
 * client FILE-OF-A-TEXT HOST:PORT/TRANSPORT/PROTOCOL/NAMING/NUMBER...
 * server TRANSPORT/PROTOCOL/NAMING...
 * </pre>
 *
 * TRANSPORT is framed, buffered or http; PROTOCOL binary, compact or json; NAMING plain or multiplexed. The number is what
 * a oneway call says, for the test to find again in the server's output.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String[] rest = Arrays.copyOfRange(arguments, 1, arguments.length);
    if (arguments[0].equals("client")) Client.run(rest);
    else Server.run(rest);
  }

  static TProtocolFactory protocolFactory(String protocol) {
    switch (protocol) {
      case "compact":
        return new TCompactProtocol.Factory();
      case "json":
        return new TJSONProtocol.Factory();
      default:
        return new TBinaryProtocol.Factory();
    }
  }
}
