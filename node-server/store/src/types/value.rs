//! A value of any type, owned or borrowed, and the names that TYPE and OBJECT ENCODING give it.

use super::{Element, Hash, HashRef, List, ListRef, Set, SetRef, SortedSet, SortedSetRef, Stream};

/// An owned value, as the RDB decoder and RESTORE give it.
#[derive(Clone, Debug)]
pub enum Value {
    Int(i64),
    String(Vec<u8>),
    List(List),
    Hash(Hash),
    Set(Set),
    SortedSet(SortedSet),
    /// Boxed, so that it does not make the other kinds bigger.
    Stream(Box<Stream>),
}

/// A borrowed value, as the RDB encoder and DUMP take it.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    Int(i64),
    String(&'a [u8]),
    List(ListRef<'a>),
    Hash(HashRef<'a>),
    Set(SetRef<'a>),
    SortedSet(SortedSetRef<'a>),
    Stream(&'a Stream),
}

/// How a collection is stored, by OBJECT ENCODING's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Int,
    Embstr,
    Raw,
    Listpack,
    /// Of a hash whose fields have expiries.
    ListpackEx,
    Quicklist,
    Intset,
    Hashtable,
    Skiplist,
    Stream,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::Embstr => "embstr",
            Encoding::Raw => "raw",
            Encoding::Listpack => "listpack",
            Encoding::ListpackEx => "listpackex",
            Encoding::Quicklist => "quicklist",
            Encoding::Intset => "intset",
            Encoding::Hashtable => "hashtable",
            Encoding::Skiplist => "skiplist",
            Encoding::Stream => "stream",
        }
    }
}

impl Value {
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Int(number) => ValueRef::Int(*number),
            Value::String(bytes) => ValueRef::String(bytes),
            Value::List(list) => ValueRef::List(list.view()),
            Value::Hash(hash) => ValueRef::Hash(hash.view()),
            Value::Set(set) => ValueRef::Set(set.view()),
            Value::SortedSet(sorted_set) => ValueRef::SortedSet(sorted_set.view()),
            Value::Stream(stream) => ValueRef::Stream(stream),
        }
    }
}

/// A collection that is flat while it is small, within a value of any type. (A stream never is flat.)
pub trait Collection {
    fn is(value: ValueRef<'_>) -> bool;
    fn of(value: &Value) -> Option<&Self>;
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
}

macro_rules! collection {
    ($type:ident) => {
        impl Collection for $type {
            fn is(value: ValueRef<'_>) -> bool {
                matches!(value, ValueRef::$type(_))
            }
            fn of(value: &Value) -> Option<&$type> {
                if let Value::$type(collection) = value { Some(collection) } else { None }
            }
            fn of_mut(value: &mut Value) -> Option<&mut $type> {
                if let Value::$type(collection) = value { Some(collection) } else { None }
            }
        }
    };
}

collection!(List);
collection!(Hash);
collection!(Set);
collection!(SortedSet);

impl<'a> ValueRef<'a> {
    /// What TYPE says.
    pub fn type_name(self) -> &'static str {
        match self {
            ValueRef::Int(_) | ValueRef::String(_) => "string",
            ValueRef::List(_) => "list",
            ValueRef::Hash(_) => "hash",
            ValueRef::Set(_) => "set",
            ValueRef::SortedSet(_) => "zset",
            ValueRef::Stream(_) => "stream",
        }
    }

    /// About how many steps it takes to free the value, as Redis counts them; of a list no more than 256 are counted.
    pub fn free_effort(self) -> usize {
        match self {
            ValueRef::List(list) => list.free_effort(256),
            ValueRef::Hash(hash) if hash.encoding() == Encoding::Hashtable => hash.len(),
            ValueRef::Set(set) if set.encoding() == Encoding::Hashtable => set.len(),
            ValueRef::SortedSet(sorted_set) if sorted_set.encoding() == Encoding::Skiplist => {
                sorted_set.len()
            }
            ValueRef::Stream(stream) => stream.free_effort(),
            _ => 1,
        }
    }

    /// No key may hold one. A stream stays without its entries.
    pub fn is_empty_collection(self) -> bool {
        match self {
            ValueRef::Int(_) | ValueRef::String(_) | ValueRef::Stream(_) => false,
            ValueRef::List(list) => list.is_empty(),
            ValueRef::Hash(hash) => hash.is_empty(),
            ValueRef::Set(set) => set.is_empty(),
            ValueRef::SortedSet(sorted_set) => sorted_set.is_empty(),
        }
    }

    /// The content of a string, `None` for a collection.
    pub fn as_string(self) -> Option<Element<'a>> {
        match self {
            ValueRef::Int(number) => Some(Element::Int(number)),
            ValueRef::String(bytes) => Some(Element::Bytes(bytes)),
            _ => None,
        }
    }
}
