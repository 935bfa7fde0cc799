//! Bytes of other encodings into UTF-8.

use std::borrow::Cow;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, WINDOWS_1252};

use crate::import::source::read_once;

/// Bytes of the input decoded at a time.
const CHUNK: usize = 64 << 10;

/// A reader of UTF-8 over one of another encoding.
pub(crate) struct Decoded {
    inner: Box<dyn Read + Send>,
    decoder: Decoder,
    decoded: Vec<u8>,
    /// How many of the decoded bytes have been given.
    given: usize,
    is_done: bool,
}

impl Decoded {
    pub(crate) fn new(inner: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Decoded { inner, decoder, decoded: Vec::new(), given: 0, is_done: false }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        let mut raw = vec![0; CHUNK];
        let count = read_once(&mut self.inner, &mut raw)?;
        raw.truncate(count);
        self.is_done = count == 0;
        let room = self.decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(4 * CHUNK + 16);
        self.decoded.clear();
        self.decoded.resize(room, 0);
        let (result, _, written) =
            self.decoder.decode_to_utf8_without_replacement(&raw, &mut self.decoded, self.is_done);
        self.decoded.truncate(written);
        self.given = 0;
        match result {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::Malformed(..) | DecoderResult::OutputFull => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("this is not valid {}; is the file damaged or cut short?", self.decoder.encoding().name()),
            )),
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.decoded.len() && !self.is_done {
            self.decode_more()?;
        }
        let ready = self.decoded.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(ready) {
            *to = *from;
        }
        self.given += count;
        Ok(count)
    }
}

/// A text in Latin-1: in practice in its superset Windows-1252, which spreadsheets write under that name.
pub(crate) fn latin_1(bytes: &[u8]) -> Cow<'_, str> {
    WINDOWS_1252.decode_without_bom_handling(bytes).0
}
