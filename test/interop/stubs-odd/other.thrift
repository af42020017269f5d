namespace go odd.other
namespace java odd.other
namespace php Odd.Other
struct Error { 1: string reason }
struct Item { 1: Error error }
