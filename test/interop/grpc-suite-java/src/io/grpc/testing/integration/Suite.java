package io.grpc.testing.integration;

import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.netty.NettyServerBuilder;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * gRPC's interop suite for Java without its command lines: the client runs many cases in one process, and the server listens
 * on a free port of 127.0.0.1. It is in this package because that is who may.
 *
 * <pre>
 * client HOST PORT CASE...
 * server
 * </pre>
 */
public final class Suite {
  private Suite() {}

  public static void main(String[] args) throws Throwable {
    if (args[0].equals("server")) {
      serve();
      return;
    }
    for (String name : Arrays.copyOfRange(args, 3, args.length)) {
      System.out.println("case\t" + name + "\t" + run(args[1], args[2], name));
    }
    System.exit(0);
  }

  /** What went wrong; empty when nothing did. */
  private static String run(String host, String port, String name) throws Throwable {
    TestServiceClient client = new TestServiceClient();
    client.parseArgs(
        new String[] {
          "--server_host=" + host,
          "--server_port=" + port,
          "--test_case=" + name,
          "--use_tls=false",
          "--service_config_json=" + (name.startsWith("orca") ? LOAD_POLICY : "{}")
        });
    client.setUp();
    try {
      call(client, "run");
      return "";
    } catch (Throwable failure) {
      Throwable cause = failure;
      while (cause.getCause() != null) cause = cause.getCause();
      return String.valueOf(cause).replaceAll("\\s+", " ");
    } finally {
      call(client, "tearDown");
    }
  }

  private static final String LOAD_POLICY =
      "{\"loadBalancingConfig\":[{\"test_backend_metrics_load_balancer\":{}}]}";

  private static void call(TestServiceClient client, String name) throws Throwable {
    Method method = TestServiceClient.class.getDeclaredMethod(name);
    method.setAccessible(true);
    try {
      method.invoke(client);
    } catch (InvocationTargetException thrown) {
      throw thrown.getCause();
    }
  }

  private static void serve() throws Exception {
    ScheduledExecutorService executor = Executors.newScheduledThreadPool(2);
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .addService(
                ServerInterceptors.intercept(
                    new TestServiceImpl(executor), TestServiceImpl.interceptors()))
            .build()
            .start();
    System.out.println("ready 127.0.0.1:" + server.getPort());
    while (System.in.read() >= 0) {}
    System.exit(0);
  }
}
