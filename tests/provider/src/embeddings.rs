//! A model that makes vectors of texts by what they are written with: no meaning, but always the
//! same. Texts that share words, or pairs of Chinese characters, are near each other.

use serde_json::{Value, json};

use crate::wire::{Request, failure_of};

/// The numbers of a vector, unless the request asks for others.
const DIMENSIONS: u64 = 384;

/// The status and the body: a status by its number as the model's name, else vectors.
pub(crate) fn answer(request: &Request) -> (u16, String) {
    let body = &request.body;
    let model = body["model"].as_str().unwrap_or_default();
    if let Some(failure) = failure_of(model) {
        return failure;
    }

    let dimensions = body["dimensions"].as_u64().unwrap_or(DIMENSIONS);
    let inputs = body["input"].as_array().into_iter().flatten();
    let data: Vec<Value> = inputs
        .enumerate()
        .map(|(index, input)| {
            let vector = vector_of(input.as_str().unwrap_or_default(), dimensions);
            json!({ "object": "embedding", "index": index, "embedding": vector })
        })
        .collect();
    (
        200,
        json!({ "object": "list", "model": model, "data": data }).to_string(),
    )
}

/// Counts of words and of pairs of characters, each at the place that its hash gives.
fn vector_of(text: &str, dimensions: u64) -> Vec<f64> {
    let lower = text.to_lowercase();
    let characters: Vec<char> = lower.chars().filter(|c| !c.is_ascii()).collect();
    let pairs = characters.windows(2).map(String::from_iter);
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| word.len() > 2).map(str::to_owned);

    let mut vector = vec![0.0; usize::try_from(dimensions).unwrap_or(1)];
    for part in pairs.chain(words) {
        let place = usize::try_from(hash(&part) % dimensions).unwrap_or(0);
        vector[place] += 1.0;
    }
    if vector.iter().all(|number| *number == 0.0) {
        vector[0] = 1.0;
    }
    vector
}

/// FNV-1a: the same on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
