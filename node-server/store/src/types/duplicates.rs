//! Whether a packed collection from outside has an element twice.
//!
//! Each element gets a mark of 64 bits, equal ones the same. To sort numbers takes a small part of the time that sorting the
//! elements would, and needs no memory for most collections. Where two marks are the same the elements themselves decide, by
//! sorting too: nobody can choose them so that it gets slow.

use super::{Element, parse_integer};
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};

/// For so many the marks lie on the stack.
const FEW: usize = 64;

/// Whether two of the elements have the same bytes.
pub(super) fn has_duplicates<'a>(elements: impl Iterator<Item = Element<'a>> + Clone) -> bool {
    let mut marks = elements.clone().map(mark);
    let mut few = [0; FEW];
    let mut count = 0;
    for (place, mark) in few.iter_mut().zip(&mut marks) {
        *place = mark;
        count += 1;
    }
    let mut many: Vec<u64> = if count < FEW { Vec::new() } else { marks.collect() };
    if many.is_empty() {
        return is_one_twice(&mut few[..count]) && are_two_equal(elements);
    }
    many.extend_from_slice(&few);
    is_one_twice(&mut many) && are_two_equal(elements)
}

/// Equal for elements of the same bytes, however they are stored.
#[inline]
fn mark(element: Element<'_>) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    match by_value(element) {
        (Some(number), _) => hasher.write_i64(number),
        (None, bytes) => hasher.write(bytes),
    }
    hasher.finish()
}

fn is_one_twice(marks: &mut [u64]) -> bool {
    marks.sort_unstable();
    marks.windows(2).any(|pair| matches!(pair, [left, right] if left == right))
}

fn are_two_equal<'a>(elements: impl Iterator<Item = Element<'a>>) -> bool {
    let mut sorted: Vec<(Option<i64>, &[u8])> = elements.map(by_value).collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| matches!(pair, [left, right] if left == right))
}

#[inline]
fn by_value(element: Element<'_>) -> (Option<i64>, &[u8]) {
    match element {
        Element::Int(number) => (Some(number), &[]),
        Element::Bytes(bytes) => match parse_integer(bytes) {
            Some(number) => (Some(number), &[]),
            None => (None, bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn elements(texts: &[Vec<u8>]) -> impl Iterator<Item = Element<'_>> + Clone {
        texts.iter().map(|text| Element::Bytes(text))
    }

    #[test]
    fn a_number_and_its_text_are_the_same() {
        let (text, number) = (Element::Bytes(b"12"), Element::Int(12));
        assert!(has_duplicates([number, Element::Bytes(b"x"), text].into_iter()));
        assert!(!has_duplicates([number, Element::Bytes(b"012")].into_iter()));
        assert!(!has_duplicates(std::iter::empty()));
    }

    #[test]
    fn equal_marks_alone_are_not_enough() {
        // What has the same mark by chance is looked at by its bytes.
        assert!(!are_two_equal([Element::Int(1), Element::Int(2), Element::Bytes(b"1 ")].into_iter()));
        assert!(are_two_equal([Element::Bytes(b"a"), Element::Int(2), Element::Bytes(b"a")].into_iter()));
    }

    #[test]
    fn the_last_of_many_counts_too() {
        for count in [1, 2, FEW - 1, FEW, FEW + 1, 1000] {
            let mut texts: Vec<Vec<u8>> =
                (0..count).map(|number| format!("field {number}").into_bytes()).collect();
            assert!(!has_duplicates(elements(&texts)), "{count}");
            texts.push(texts[count / 2].clone());
            assert!(has_duplicates(elements(&texts)), "{count}");
        }
    }

    proptest! {
        #[test]
        fn finds_what_a_set_finds(texts in proptest::collection::vec("[a-c0-9]{0,3}", 0..100)) {
            let texts: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
            let distinct: BTreeSet<&Vec<u8>> = texts.iter().collect();
            prop_assert_eq!(has_duplicates(elements(&texts)), distinct.len() < texts.len());
        }
    }
}
