//! States as values: bytes that say what they are and whether they are whole.
//!
//! Layout: magic, format version, length and text of the function, which arguments were given, whether there are
//! clusters, length and text of the options that shape the sums, the sums, a checksum of all that.

use datafusion::common::{Result, exec_err};
use twox_hash::XxHash3_64;

use super::call::Call;
use super::definition::Definition;
use super::options::Options;

const MAGIC: [u8; 4] = *b"CSLs";
const VERSION: u8 = 1;
/// The bit of calls with a list of columns in the place of one.
const LIST: u16 = 1 << 15;
const CHECKSUM: usize = size_of::<u64>();

/// What a state says of itself; states merge when it is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    function: String,
    /// Bit `i` is set when argument `i` was given, and [`LIST`] when one is a list.
    given: u16,
    clustered: bool,
    options: String,
}

impl Header {
    /// The header of the states a call makes.
    pub(super) fn new(definition: &Definition, call: &Call) -> Self {
        let given: u16 = call.given.iter().enumerate().map(|(i, &given)| u16::from(given) << i).sum();
        let given = given | if call.list { LIST } else { 0 };
        Self {
            function: definition.name.to_string(),
            given,
            clustered: call.clustered,
            options: call.options.identity(definition.options()),
        }
    }

    /// The bytes of a state whose sums `payload` writes.
    pub(super) fn seal(&self, payload: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        write_text(&mut out, &self.function);
        out.extend_from_slice(&self.given.to_le_bytes());
        out.push(u8::from(self.clustered));
        write_text(&mut out, &self.options);
        payload(&mut out);
        let checksum = XxHash3_64::oneshot(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads the header and the sums of a state that a user handed in. `function` is who reads.
    pub(super) fn open<'a>(
        definition: &Definition,
        function: &str,
        bytes: &'a [u8],
    ) -> Result<(Self, &'a [u8])> {
        let Some(rest) = bytes.strip_prefix(&MAGIC) else {
            return exec_err!("{function}: state must be made by {}_state, got other bytes", definition.name);
        };
        match rest.first() {
            Some(&VERSION) => {}
            version => {
                let version = version.map_or("none".to_string(), u8::to_string);
                return exec_err!(
                    "{function}: state must have format version {VERSION}, got {version}; make it again with this program"
                );
            }
        }
        let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
            return damaged(function);
        };
        if u64::from_le_bytes(*checksum) != XxHash3_64::oneshot(content) {
            return damaged(function);
        }
        let Some((header, payload)) = Self::parse(&content[MAGIC.len() + 1..]) else {
            return damaged(function);
        };
        if header.function != definition.name {
            return exec_err!(
                "{function}: state must be made by {}_state, got one of {}_state",
                definition.name,
                header.function
            );
        }
        Ok((header, payload))
    }

    fn parse(mut bytes: &[u8]) -> Option<(Self, &[u8])> {
        let function = read_text(&mut bytes)?;
        let (given, rest) = bytes.split_first_chunk()?;
        let (&clustered, mut rest) = rest.split_first()?;
        let header = Self {
            function,
            given: u16::from_le_bytes(*given),
            clustered: clustered != 0,
            options: read_text(&mut rest)?,
        };
        Some((header, rest))
    }

    /// The call that made the state; `None` when its options are not the function's.
    pub(super) fn call(&self, definition: &'static Definition, function: &str) -> Option<Call> {
        Some(Call {
            function: function.to_string(),
            given: (0..definition.arguments.len()).map(|i| self.given >> i & 1 == 1).collect(),
            clustered: self.clustered,
            options: Options::from_identity(definition.options(), &self.options)?,
            shares: vec![],
            levels: false,
            list: self.given & LIST != 0,
        })
    }

    /// Returns an error unless the states of both headers may be merged.
    pub(super) fn check_same(&self, function: &str, other: &Self) -> Result<()> {
        if self.options != other.options {
            return exec_err!(
                "{function}: states must have equal options, got {} and {}; merge them apart",
                shown(&self.options),
                shown(&other.options)
            );
        }
        if self.given != other.given || self.clustered != other.clustered {
            return exec_err!(
                "{function}: states must be made with the same arguments; some have an optional column, clusters or a list and others do not"
            );
        }
        Ok(())
    }
}

/// The error of bytes whose checksum or structure is wrong.
pub(super) fn damaged<T>(function: &str) -> Result<T> {
    exec_err!("{function}: state is damaged: its bytes do not match its checksum; make it again")
}

fn shown(options: &str) -> String {
    format!("{{{options}}}")
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn read_text(bytes: &mut &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    *bytes = rest;
    Some(std::str::from_utf8(text).ok()?.to_string())
}
