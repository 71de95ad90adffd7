@0xb1f0c2d7a94e6e31;

# A catalog as it is kept in data folders and sent between processes. Never reuse or renumber a
# field; a reader of an older version ignores what it does not know.
#
# On disk the canonical, unpacked words of a `Catalog` follow a head of 16 bytes: the eight
# characters `wndrcat1` and the XXH3-64 of the words, little-endian. Equal catalogs give equal
# bytes.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("windrow::schema::wire");

struct Catalog {
  version @0 :UInt32;
  classes @1 :List(Class);
  sources @2 :List(Source);
  streams @3 :List(Stream);
}

struct Type {
  kind @0 :Kind;
  nullable @1 :Bool;
  element @2 :Type;          # lists and maps only
  fields @3 :List(StructField);  # structs only

  enum Kind {
    boolean @0;
    integer @1;
    floating @2;
    text @3;
    datetime @4;
    list @5;
    map @6;                  # from text
    structure @7;
    bytes @8;
  }
}

struct StructField {
  name @0 :Text;
  type @1 :Type;
}

struct OptionalInt {
  union {
    none @0 :Void;
    value @1 :Int64;
  }
}

struct OptionalBool {
  union {
    none @0 :Void;
    value @1 :Bool;
  }
}

struct Field {
  name @0 :Text;
  type @1 :Type;
  isFeatureTime @2 :Bool;
  maxStaleness @3 :OptionalInt;        # microseconds
  etlOfflineToOnline @4 :OptionalBool;
  references @5 :Text;                 # a class, or empty
}

struct JoinPair {
  localField @0 :Text;
  childField @1 :Text;
}

struct Relation {
  name @0 :Text;
  childClass @1 :Text;
  join @2 :List(JoinPair);
}

struct Window {
  window @0 :Int64;                    # microseconds, as all of these
  all @1 :Bool;
  bucketDuration @2 :Int64;
  bucketOrigin @3 :Int64;
}

struct Windowed {
  name @0 :Text;
  windows @1 :List(Window);
  expression @2 :Text;                 # canonical
  retention @3 :OptionalInt;
  default :union {
    none @4 :Void;
    integer @5 :Int64;
    floating @6 :Float64;
  }
}

struct Class {
  name @0 :Text;
  maxStaleness @1 :Int64;
  etlOfflineToOnline @2 :Bool;
  fields @3 :List(Field);
  relations @4 :List(Relation);
  windowed @5 :List(Windowed);
}

struct Setting {
  name @0 :Text;
  value @1 :Text;
}

struct Source {
  name @0 :Text;
  kind @1 :Text;
  settings @2 :List(Setting);
}

struct MessageField {
  name @0 :Text;
  type @1 :Type;
}

struct Output {
  feature @0 :Text;                    # `User.id`
  expression @1 :Text;                 # canonical
}

struct Stream {
  name @0 :Text;
  source @1 :Text;
  message @2 :List(MessageField);
  parse @3 :Text;                      # canonical, or empty
  output @4 :List(Output);
  updatesMaterializedAggregations @5 :Bool = true;
  deduplicationOn @6 :Text;            # canonical, or empty: none
  deduplicationWithin @7 :Int64;       # microseconds
}
