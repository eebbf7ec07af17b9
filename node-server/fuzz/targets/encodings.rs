//! Any bytes as each of the packed encodings: refused, or walked both ways, changed, and still what it says it is. A
//! HyperLogLog's bytes are looked at only where they are used: each use is refused, or leaves one that counts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rcl_store::encoding::intset::Intset;
use rcl_store::encoding::listpack::Listpack;
use rcl_store::encoding::{lzf, ziplist, zipmap};
use rcl_store::types::hyperloglog::{self, Union};

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    match which % 6 {
        0 => Listpack::from_bytes(bytes.to_vec()).into_iter().for_each(listpack),
        1 => ziplist::to_listpack(bytes).into_iter().for_each(listpack),
        2 => zipmap::to_listpack(bytes).into_iter().for_each(listpack),
        3 => Intset::from_bytes(bytes.to_vec()).into_iter().for_each(intset),
        4 => compressed(bytes),
        _ => hyperloglog(bytes),
    }
});

fn listpack(mut list: Listpack) {
    let count = list.iter().count();
    let mut backwards = 0;
    let mut position = list.last();
    while let Some(at) = position {
        backwards += 1;
        let _ = list.get(at);
        position = list.previous(at);
    }
    assert_eq!((count, count), (list.len(), backwards));
    list.push_front(b"12345");
    list.push_back(&[b'x'; 70]);
    if let Some(middle) = list.seek(count / 2) {
        list.replace(middle, b"in its place");
    }
    let again = Listpack::from_bytes(list.as_bytes().to_vec()).expect("it is well-formed");
    assert_eq!(again.iter().count(), count + 2);
    let first = list.first().expect("it is not empty");
    list.remove(first, count + 2);
    assert!(list.is_empty());
}

fn intset(mut set: Intset) {
    let members: Vec<i64> = set.iter().collect();
    assert!(members.is_sorted_by(|left, right| left < right) && members.len() == set.len());
    for member in &members {
        assert!(set.contains(*member) && !set.insert(*member));
    }
    set.insert(i64::MAX);
    assert!(set.contains(i64::MAX) && Intset::from_bytes(set.as_bytes().to_vec()).is_ok());
    for member in members {
        set.remove(member);
    }
    assert!(set.len() <= 1);
}

fn compressed(bytes: &[u8]) {
    let Some((&length, bytes)) = bytes.split_first() else { return };
    let _ = lzf::decompress(bytes, usize::from(length) * 16);
    if let Some(packed) = lzf::compress(bytes) {
        assert_eq!(lzf::decompress(&packed, bytes.len()).as_deref().ok(), Some(bytes));
    }
}

const DENSE_BYTES: usize = 12288;
const SPARSE_BYTES: usize = 3000;

fn hyperloglog(bytes: &[u8]) {
    let Some((&form, registers)) = bytes.split_first() else { return };
    let is_dense = form % 2 == 0;
    let registers: Vec<u8> = match is_dense {
        true => registers.iter().copied().cycle().take(DENSE_BYTES).collect(),
        false => registers.to_vec(),
    };
    let mut log = [b"HYLL", &[u8::from(!is_dense), 0, 0, 0][..], &[0; 8], &registers].concat();
    if hyperloglog::form(&log).is_none() {
        return;
    }
    let count = hyperloglog::count(&log);
    let mut union = Union::default();
    assert_eq!(union.add(&log).is_ok(), count.is_ok(), "what can be counted can be merged");
    let mut merged = hyperloglog::new();
    if union.store(&mut merged, SPARSE_BYTES).is_ok() {
        assert!(hyperloglog::count(&merged).is_ok());
    }
    let mut dense = log.clone();
    if hyperloglog::make_dense(&mut dense).is_ok() {
        assert_eq!(hyperloglog::count(&dense).ok(), count.ok());
    }
    for element in [&b"a"[..], b"b", b"12345", b""] {
        let _ = hyperloglog::add(&mut log, element, SPARSE_BYTES);
    }
    assert!(count.is_err() || hyperloglog::count(&log).is_ok(), "adding keeps it whole");
}
