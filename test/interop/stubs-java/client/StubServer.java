package client;

import causeway.Bytes;
import causeway.Context;
import causeway.Registration;
import causeway.Server;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import kinds.Choice;
import kinds.Choices;
import kinds.Color;
import kinds.Failure;
import kinds.Keyed;
import kinds.Kinds;
import kinds.KindsServer;
import kinds.Lists;
import kinds.Maps;
import kinds.Nested;
import kinds.NotFound;
import kinds.Nothing;
import kinds.Plain;
import kinds.Point;
import kinds.Presence;
import kinds.Refused;
import kinds.Scalars;
import kinds.Sets;
import kinds.Size;
import kinds.Tree;

/** Serves Kinds by the stub's server. Arguments: where to listen and, if it shall be registered, the sidecar's HTTP address and a health check. */
public final class StubServer implements Kinds {
  private final List<String> notes = new CopyOnWriteArrayList<>();

  public static void main(String[] arguments) throws Exception {
    Server server = Server.listen(arguments[0], KindsServer.of(new StubServer()));
    if (arguments.length > 1) {
      String healthCheck = arguments.length > 2 ? arguments[2] : "{}";
      Registration.of(server, new Registration.Instance("kinds", 0, Map.of(), healthCheck), arguments[1]);
    }
    System.out.println("ready " + server.address());
    server.await();
  }

  @Override
  public void ping() {}

  @Override
  public String who() {
    return "the Java stub";
  }

  @Override
  public boolean echoBool(boolean value) {
    return value;
  }

  @Override
  public byte echoByte(byte value) {
    return value;
  }

  @Override
  public short echoI16(short value) {
    return value;
  }

  @Override
  public int echoI32(int value) {
    return value;
  }

  @Override
  public long echoI64(long value) {
    return value;
  }

  @Override
  public double echoDouble(double value) {
    return value;
  }

  /** Some texts ask for something else. */
  @Override
  public String echoString(String value) {
    if (value.startsWith("wait ")) return waitForEnd(value);
    return switch (value) {
      case "wait" -> waitForCancel();
      case "slow" -> slowly(value);
      case "cancelled?" -> String.join(",", notes);
      case "trace?" -> Context.current().metadata().get("traceparent").orElse("none") + " " + Context.current().metadata().get("x-own").orElse("none");
      case "deadline?" -> Context.current().remaining().map(left -> (left.toSeconds() + 1) + " s").orElse("none");
      case "metadata?" -> Context.current().metadata().get("x-own").orElse("none");
      case "trailer" -> {
        Context.current().reply("x-own", "世界");
        yield value;
      }
      default -> value;
    };
  }

  private String slowly(String value) {
    notes.add("slow");
    try {
      Thread.sleep(1_000);
    } catch (InterruptedException e) {
      return "interrupted";
    }
    return value;
  }

  private String waitForEnd(String value) {
    try {
      Thread.sleep(20_000);
    } catch (InterruptedException e) {
      notes.add("ended " + value);
    }
    return value;
  }

  private String waitForCancel() {
    notes.add("waiting");
    try {
      Thread.sleep(20_000);
      return "nobody cancelled";
    } catch (InterruptedException e) {
      notes.add(Context.current().isCancelled() ? "cancelled" : "interrupted");
      return "cancelled";
    }
  }

  @Override
  public Bytes echoBinary(Bytes value) {
    return value;
  }

  @Override
  public Color echoColor(Color value) {
    return value;
  }

  @Override
  public Size echoSize(Size value) {
    return value;
  }

  @Override
  public Scalars echoScalars(Scalars value) {
    return value;
  }

  @Override
  public Presence echoPresence(Presence value) {
    return value;
  }

  @Override
  public Nested echoNested(Nested value) {
    return value;
  }

  @Override
  public Tree echoTree(Tree value) {
    return value;
  }

  @Override
  public Lists echoLists(Lists value) {
    return value;
  }

  @Override
  public Sets echoSets(Sets value) {
    return value;
  }

  @Override
  public Maps echoMaps(Maps value) {
    return value;
  }

  @Override
  public Keyed echoKeyed(Keyed value) {
    return value;
  }

  @Override
  public Choice echoChoice(Choice value) {
    return value;
  }

  @Override
  public Choices echoChoices(Choices value) {
    return value;
  }

  @Override
  public Nothing echoNothing(Nothing value) {
    return value;
  }

  @Override
  public List<Integer> echoList(List<Integer> value) {
    return value;
  }

  @Override
  public Set<String> echoSet(Set<String> value) {
    return value;
  }

  @Override
  public Map<String, Point> echoMap(Map<String, Point> value) {
    return value;
  }

  @Override
  public List<List<String>> echoGrid(List<List<String>> value) {
    return value;
  }

  @Override
  public long sum(int first, long second, List<Integer> others) {
    return first + second + others.stream().mapToLong(Integer::longValue).sum();
  }

  @Override
  public Failure fail(Failure how) throws NotFound, Refused, Plain {
    return switch (how.known()) {
      case NOT_FOUND -> throw new NotFound("shelf", 9007199254740993L);
      case REFUSED -> throw refused();
      case PLAIN -> throw new Plain("plainly wrong");
      case UNEXPECTED -> throw new IllegalStateException("the shelf fell over");
      default -> how;
    };
  }

  private static Refused refused() {
    return new Refused("closed", Color.BLUE, List.of(new Point(1, -1), new Point(2, -2)));
  }

  @Override
  public void nothing() {}

  @Override
  public void check(boolean good) throws Refused {
    if (!good) throw refused();
  }

  @Override
  public void note(String text) {
    notes.add(text);
  }

  @Override
  public List<String> notes() {
    return notes;
  }
}
