import causeway.Server;
import example.greeter.GreeterServer;
import example.greeter.TooShy;

/** Serves greetings to the local sidecar until it is told to end. */
public final class Serve {
  public static void main(String[] arguments) throws Exception {
    Server server = Server.listen("127.0.0.1:9090", GreeterServer.of(name -> {
      if (name.isBlank()) throw new TooShy("whoever you are");
      return "Hello, " + name + "!";
    }));
    System.out.println("serving on " + server.address());
    server.await();
  }
}
