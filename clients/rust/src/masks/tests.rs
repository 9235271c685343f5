//! The table of masks that every decoder passes.

use serde_json::Value;

use super::*;

fn table(file: &str) -> Vec<Value> {
    let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty());
    cases
}

fn size(case: &Value) -> (u32, u32) {
    let side = |name: &str| u32::try_from(case[name].as_u64().unwrap()).unwrap();
    (side("height"), side("width"))
}

#[test]
fn masks_are_what_pycocotools_makes_of_them() {
    for case in table("tests/data/rle/cases.json") {
        let (height, width) = size(&case);
        let counts = case["counts"].as_str().unwrap();
        let bits = base64::decode(case["bits"].as_str().unwrap()).unwrap();
        let expected: Vec<u8> = (0..height as usize * width as usize)
            .map(|at| bits[at / 8] >> (7 - at % 8) & 1)
            .collect();

        let pixels = pixels(height, width, counts).unwrap();
        assert!(pixels == expected, "{}: other pixels", case["name"]);
        let area = area(height, width, counts).unwrap();
        assert_eq!(Some(area as u64), case["area"].as_u64(), "{}", case["name"]);
    }
}

#[test]
fn what_is_no_mask_is_refused() {
    for case in table("clients/scenario/refused-masks.json") {
        let (height, width) = size(&case);
        let counts = case["counts"].as_str().unwrap();
        let refused = pixels(height, width, counts).unwrap_err();
        assert_eq!(Err(refused), area(height, width, counts));
    }
}

#[test]
fn the_error_says_what_is_wrong() {
    let run = |index, length, left| Error::Run {
        index,
        length,
        left,
    };
    let cases = [
        ("S1/", Error::Character(b'/')),
        ("PPPPPPPPPPPPPP1", Error::TooLong),
        ("S", Error::Unfinished),
        ("T1", run(0, 36, 35)),
        ("O", run(0, -1, 35)),
        ("R1", Error::Left(1)),
    ];
    for (counts, error) in cases {
        assert_eq!(pixels(5, 7, counts), Err(error), "{counts}");
    }
    let (height, width) = (u32::MAX, u32::MAX);
    let error = Error::TooLarge { height, width };
    assert_eq!(pixels(height, width, "S1"), Err(error));
}
