//! Bytes as a list of choices: how an input of a fuzzer becomes something structured.
//!
//! When the bytes are used up every choice is the first one, so that any input means something.

/// What is left to choose from.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// All of these bytes.
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices(bytes)
    }

    /// The next byte, 0 behind the last.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// One of these.
    pub fn of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// Up to `most` bytes.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let length = self.below(most + 1).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// A text of up to `most` letters from an alphabet.
    pub fn text(&mut self, most: usize, alphabet: &[char]) -> String {
        let length = self.below(most + 1);
        (0..length).map(|_| self.of(alphabet)).collect()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Places at which to cut `bytes`, made up from the bytes themselves: an input alone says how it fails.
pub fn cuts(bytes: &[u8], count: usize) -> Vec<usize> {
    // FNV-1a, then xorshift: any mixture does.
    let start = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut state = start | 1;
    let mut places: Vec<usize> = (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % (bytes.len() as u64 + 1)).expect("cannot exceed a length")
        })
        .collect();
    places.sort_unstable();
    places
}

/// `bytes` cut at these places.
pub fn pieces<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places.iter().copied().chain([bytes.len()]) {
        pieces.push(&bytes[start..place]);
        start = place;
    }
    pieces
}
