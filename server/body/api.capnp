@0xcd2e0ab6dc1f4f5d;

# Bodies of windrow's HTTP API in Cap'n Proto, media type `application/x-capnp`: one message each, in
# the usual framing of streams, not packed. A node serves this file at `/v1/api.capnp`.
#
#   POST /v1/query                   takes Query, answers QueryAnswer
#   GET  /v1/entities/{class}/{key}  answers QueryAnswer with one row
#   POST /v1/streams/{stream}        takes Push, answers PushAnswer
#
# Problems are JSON (RFC 9457) whatever was asked for. Fields and union members are only ever added:
# a reader ignores fields it does not know, and a node refuses a union member it does not know.
# Times are microseconds since 1970, UTC.

# `namespace` of capnp/c++.capnp, said here so that this file needs no other.
annotation namespace @0xb9c6f99ebf805f2c (file) :Text;
$namespace("windrow::server::wire");

struct Value {
  union {
    null @0 :Void;
    boolean @1 :Bool;
    integer @2 :Int64;
    floating @3 :Float64;
    text @4 :Text;           # UTF-8
    time @5 :Int64;
    list @6 :List(Value);
    bytes @7 :Data;
    map @8 :List(Member);    # keys are unique
    structure @9 :List(Member);
  }
}

struct Member {
  name @0 :Text;
  value @1 :Value;
}

# ---- asking ----

struct Query {
  entities @0 :List(Entity);
  features @1 :List(Text);   # `name`, `User.name`, `sum_amount["1h"]`
  now :union {               # where windows end
    clock @2 :Void;          # the node's clock
    at @3 :Int64;
  }
}

struct Entity {
  entityClass @0 :Text;
  key :union {
    text @1 :Text;
    integer @2 :Int64;
    boolean @3 :Bool;
  }
  now :union {
    ofQuery @4 :Void;
    at @5 :Int64;            # a time of this row's own
  }
}

struct QueryAnswer {
  now @0 :Int64;
  catalogVersion @1 :UInt32;
  rows @2 :List(Row);        # one an entity, in order, known or not
}

struct Row {
  entityClass @0 :Text;
  key @1 :Value;
  now @2 :Int64;             # where this row's windows end
  position @3 :List(Position);
  features @4 :List(Feature);
}

# How far the row's state has a source: bytes of a file, pushes of `journal`.
struct Position {
  source @0 :Text;
  sequence @1 :UInt64;
}

struct Feature {
  name @0 :Text;             # `user.sum_amount__3600__`
  union {
    value @1 :Value;
    error @2 :Error;
  }
  basis :union {
    nothing @3 :Void;        # where there is an error, or nothing was ever stored
    scalar :group {
      at @4 :Int64;          # event time of the stored value
      age @5 :Int64;         # microseconds, where it is older than its max_staleness; else 0
    }
    window :group {
      start @6 :Int64;       # what was covered, [start, end)
      end @7 :Int64;
      events @8 :UInt64;     # in it
    }
  }
}

struct Error {
  code @0 :Text;             # `expired`, `overflow`, `join_key_missing`, …
  message @1 :Text;
}

# ---- pushing ----

# Messages, column by column. A message has each key whose column has a value for it; a null is
# the same as no key. Columns that the stream does not declare are ignored.
struct Push {
  messages @0 :UInt32;       # how many
  columns @1 :List(Column);
}

struct Column {
  key @0 :Text;
  # Which messages have a value, one a message; empty: all have. Where a message has none, what
  # stands in the column at its place means nothing.
  present @1 :List(Bool);
  # One a message.
  union {
    booleans @2 :List(Bool);
    integers @3 :List(Int64);
    floats @4 :List(Float64);
    texts @5 :List(Text);
    times @6 :List(Int64);
    values @7 :List(Value);  # of any type
  }
}

struct PushAnswer {
  stream @0 :Text;
  messages @1 :UInt64;
  journal @2 :UInt64;        # position of the push; 0: repeats one so old that it is not known
  duplicate @3 :Bool;
  applied @4 :Bool;          # else it is not known yet what could not be used
  errors @5 :List(MessageError);
}

struct MessageError {
  message @0 :UInt32;        # its place in the push, from 1
  phase @1 :Text;
  reason @2 :Text;
  detail @3 :Text;
}
