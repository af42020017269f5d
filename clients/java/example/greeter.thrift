/** Says hello. */
namespace * example.greeter

exception TooShy {
  1: required string name
} (pb.code = "FAILED_PRECONDITION")

service Greeter {
  string greet(1: string name) throws (1: TooShy tooShy)
}
