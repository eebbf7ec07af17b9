//! What a debugging client says: an array of bulk strings, as any command. As Redis's debugger reads it: what stands before
//! the array is skipped, and words are short.

/// Of one request, and of one word.
const MOST_WORDS: i64 = 1024;
const MOST_WORD_BYTES: i64 = 1024;

#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The words, and how many bytes they came as.
    Words(Vec<Vec<u8>>, usize),
    /// More has to come.
    Half,
    Wrong,
}

pub fn parse(input: &[u8]) -> Parsed {
    if input.is_empty() {
        return Parsed::Half;
    }
    let Some(start) = input.iter().position(|&byte| byte == b'*') else { return Parsed::Wrong };
    let mut reader = Reader { input, position: start };
    let count = match reader.number(b'*', MOST_WORDS) {
        Ok(count) => count,
        Err(parsed) => return parsed,
    };
    let mut words = Vec::new();
    for _ in 0..count {
        match reader.word() {
            Ok(word) => words.push(word),
            Err(parsed) => return parsed,
        }
    }
    Parsed::Words(words, reader.position)
}

struct Reader<'a> {
    input: &'a [u8],
    position: usize,
}

impl Reader<'_> {
    /// `<sign><number>\r\n`, of at least 1.
    fn number(&mut self, sign: u8, most: i64) -> Result<usize, Parsed> {
        let rest = self.input.get(self.position..).unwrap_or_default();
        match rest.first() {
            None => return Err(Parsed::Half),
            Some(first) if *first != sign => return Err(Parsed::Wrong),
            Some(_) => {}
        }
        let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(Parsed::Half)?;
        let number = leading_number(&rest[1..end]);
        if !(1..=most).contains(&number) {
            return Err(Parsed::Wrong);
        }
        self.position += end + 2;
        Ok(number as usize)
    }

    fn word(&mut self) -> Result<Vec<u8>, Parsed> {
        let length = self.number(b'$', MOST_WORD_BYTES)?;
        let end = self.position + length;
        let word = self.input.get(self.position..end).ok_or(Parsed::Half)?;
        match self.input.get(end..end + 2) {
            None => Err(Parsed::Half),
            Some(b"\r\n") => {
                self.position = end + 2;
                Ok(word.to_vec())
            }
            Some(_) => Err(Parsed::Wrong),
        }
    }
}

/// The number that a text begins with, 0 when it begins with none.
pub fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number =
        digits.fold(0i64, |number, digit| number.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if is_negative { -number } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(input: &str) -> Parsed {
        parse(input.as_bytes())
    }

    #[test]
    fn requests_are_arrays() {
        let expected = vec![b"b".to_vec(), b"12".to_vec()];
        assert_eq!(words("*2\r\n$1\r\nb\r\n$2\r\n12\r\n*1\r\n"), Parsed::Words(expected.clone(), 19));
        assert_eq!(words("junk *2\r\n$1\r\nb\r\n$2\r\n12\r\n"), Parsed::Words(expected, 24));
    }

    #[test]
    fn half_a_request_waits_for_the_rest() {
        let whole = "*2\r\n$1\r\nb\r\n$2\r\n12\r\n";
        for end in 0..whole.len() {
            assert_eq!(words(&whole[..end]), Parsed::Half, "{end}");
        }
    }

    #[test]
    fn what_is_no_request_is_wrong() {
        for input in [
            "step\r\n",
            "*0\r\n",
            "*-1\r\n",
            "*x\r\n",
            "*1025\r\n",
            "*1\r\n+a\r\n",
            "*1\r\n$0\r\n\r\n",
            "*1\r\n$1025\r\n",
            "*1\r\n$1\r\nab\r\n",
        ] {
            assert_eq!(words(input), Parsed::Wrong, "{input:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number) in
            [("12x", 12), (" -5", -5), ("x", 0), ("", 0), ("+7", 7), ("99999999999999999999", i64::MAX)]
        {
            assert_eq!(leading_number(text.as_bytes()), number, "{text:?}");
        }
    }
}
