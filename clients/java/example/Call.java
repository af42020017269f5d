import causeway.CallOptions;
import causeway.Channel;
import example.greeter.GreeterClient;
import example.greeter.TooShy;
import java.time.Duration;

/** Calls the greeter through the local sidecar. */
public final class Call {
  public static void main(String[] arguments) {
    try (Channel channel = Channel.open()) {
      CallOptions options = CallOptions.DEFAULT.withTimeout(Duration.ofSeconds(2));
      GreeterClient greeter = new GreeterClient(channel).with(options);
      System.out.println(greeter.greet("World"));
      greeter.greet(" ");
    } catch (TooShy e) {
      System.out.println("too shy: " + e.name());
    }
  }
}
