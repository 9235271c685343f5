//! Masks as COCO's compressed run lengths (pycocotools'): column by column, the first run of zeros.

use std::fmt;

/// Most pixels of a mask that is decoded; a size in a message costs nothing to write.
const MAX_PIXELS: u64 = 1 << 31;

/// Why run lengths are no mask.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// A size of more pixels than are decoded.
    TooLarge { height: u32, width: u32 },
    /// A byte that stands for no digit.
    Character(u8),
    /// A number of more than 50 bits.
    TooLong,
    /// The end within a number.
    Unfinished,
    /// A run that is negative, or longer than what is left of the picture.
    Run {
        index: usize,
        length: i64,
        left: i64,
    },
    /// Pixels that no run is of.
    Left(i64),
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::TooLarge { height, width } => {
                write!(to, "{width}x{height} pixels cannot be decoded")
            }
            Error::Character(byte) => {
                let character = char::from(*byte);
                write!(to, "{character:?} is no character of run lengths")
            }
            Error::TooLong => write!(to, "a run length does not fit 50 bits"),
            Error::Unfinished => write!(to, "the run lengths stop in the middle of a number"),
            Error::Run {
                index,
                length,
                left,
            } => write!(to, "run {index} has {length} pixels, {left} are left"),
            Error::Left(left) => write!(to, "the runs end {left} pixels too early"),
        }
    }
}

impl std::error::Error for Error {}

/// The lengths of the runs, the first of zeros; together they are the picture.
fn runs(height: u32, width: u32, counts: &str) -> Result<Vec<usize>, Error> {
    let pixels = u64::from(height) * u64::from(width);
    if pixels > MAX_PIXELS {
        return Err(Error::TooLarge { height, width });
    }
    let mut left = pixels as i64;
    let mut runs = numbers(counts)?;
    for index in 0..runs.len() {
        if index > 2 {
            runs[index] += runs[index - 2];
        }
        let length = runs[index];
        if !(0..=left).contains(&length) {
            return Err(Error::Run {
                index,
                length,
                left,
            });
        }
        left -= length;
    }
    match left {
        0 => Ok(runs.into_iter().map(|length| length as usize).collect()),
        _ => Err(Error::Left(left)),
    }
}

/// A byte a pixel, row by row: 1 where forged, else 0.
pub fn pixels(height: u32, width: u32, counts: &str) -> Result<Vec<u8>, Error> {
    let runs = runs(height, width, counts)?;
    let (height, width) = (height as usize, width as usize);
    let mut pixels = vec![0; height * width];
    let mut start = 0;
    for (index, length) in runs.into_iter().enumerate() {
        let end = start + length;
        if index % 2 == 1 {
            (start..end).for_each(|at| pixels[at % height * width + at / height] = 1);
        }
        start = end;
    }
    Ok(pixels)
}

/// The number of forged pixels, without making them.
// `main.rs` has the pixels, and counts them.
#[allow(dead_code)]
pub fn area(height: u32, width: u32, counts: &str) -> Result<usize, Error> {
    let runs = runs(height, width, counts)?;
    Ok(runs.into_iter().skip(1).step_by(2).sum())
}

/// Five bits a character, the lowest first; 0x20 says that more follow, and 0x10 of the last is the sign.
fn numbers(counts: &str) -> Result<Vec<i64>, Error> {
    let mut numbers = Vec::new();
    let (mut value, mut shift) = (0_i64, 0);
    for byte in counts.bytes() {
        let bits = i64::from(byte) - 48;
        if !(0..64).contains(&bits) {
            return Err(Error::Character(byte));
        }
        value |= (bits & 0x1f) << shift;
        shift += 5;
        if bits & 0x20 != 0 {
            if shift >= 50 {
                return Err(Error::TooLong);
            }
            continue;
        }
        if bits & 0x10 != 0 {
            value -= 1 << shift;
        }
        numbers.push(value);
        (value, shift) = (0, 0);
    }
    match shift {
        0 => Ok(numbers),
        _ => Err(Error::Unfinished),
    }
}

#[cfg(test)]
mod tests;
