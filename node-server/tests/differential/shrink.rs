//! From a long history that ends in a difference to the shortest that still does.
//!
//! First only as many of the last requests are kept as it takes, then pieces are left out, ever smaller ones, as long as
//! what remains ends in a difference. Each candidate runs on two empty servers, over connections of its own.

use super::request::Request;

/// More candidates than this are not tried: what is found by then is short enough to read.
const MOST_CANDIDATES: usize = 600;

/// `differs` runs requests on empty servers and says after how many of them the first difference shows.
/// `None` when `requests` themselves show none: then it takes more than the requests to bring it about.
pub fn shrink(
    requests: &[Request],
    mut differs: impl FnMut(&[Request]) -> Option<usize>,
) -> Option<Vec<Request>> {
    let mut candidates = 0;
    let mut ends_in_difference = |requests: &[Request]| {
        candidates += 1;
        if candidates > MOST_CANDIDATES { None } else { differs(requests) }
    };
    let mut found = shortest_tail(requests, &mut ends_in_difference)?;
    let mut piece = found.len().div_ceil(2);
    while piece > 0 {
        let mut left_out_some = false;
        let mut start = 0;
        while start < found.len() {
            let mut candidate = found.clone();
            candidate.drain(start..(start + piece).min(found.len()));
            match ends_in_difference(&candidate) {
                Some(count) => {
                    candidate.truncate(count);
                    found = candidate;
                    left_out_some = true;
                }
                None => start += piece,
            }
        }
        // Single requests are left out until none can be.
        if piece > 1 || !left_out_some {
            piece /= 2;
        }
    }
    Some(found)
}

fn shortest_tail(
    requests: &[Request],
    differs: &mut impl FnMut(&[Request]) -> Option<usize>,
) -> Option<Vec<Request>> {
    let mut length = 50;
    loop {
        let start = requests.len().saturating_sub(length);
        if let Some(count) = differs(&requests[start..]) {
            return Some(requests[start..start + count].to_vec());
        }
        if start == 0 {
            return None;
        }
        length *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize) -> Vec<Request> {
        (0..count).map(|number| Request::of(&["ECHO", &number.to_string()])).collect()
    }

    /// A difference that takes all of `needed`, in order.
    fn needs(needed: &'static [&'static str]) -> impl FnMut(&[Request]) -> Option<usize> {
        move |requests: &[Request]| {
            let mut left = needed.iter().peekable();
            for (index, request) in requests.iter().enumerate() {
                if left.next_if(|number| request.words[1] == number.as_bytes()).is_some()
                    && left.peek().is_none()
                {
                    return Some(index + 1);
                }
            }
            None
        }
    }

    fn shrunk(count: usize, needed: &'static [&'static str]) -> Option<Vec<String>> {
        let found = shrink(&numbered(count), needs(needed))?;
        Some(found.iter().map(|request| String::from_utf8_lossy(&request.words[1]).into_owned()).collect())
    }

    #[test]
    fn only_what_it_takes_is_left() {
        for needed in [&["999"][..], &["3", "500", "999"], &["0", "999"], &["990", "991", "992"]] {
            assert_eq!(shrunk(1000, needed).unwrap(), needed);
        }
    }

    #[test]
    fn what_never_differs_on_empty_servers_is_said_to() {
        assert_eq!(shrunk(1000, &["1000"]), None);
    }
}
