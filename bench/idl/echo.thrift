namespace * bench.echo

/** What is sent and comes back. */
struct Message {
  1: string text
  2: i64 id
  3: list<i32> numbers
}

service Echo {
  Message echo(1: Message message)
}
