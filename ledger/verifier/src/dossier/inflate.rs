//! Unpacking one entry with bounded memory, and stopping the moment it gives more than its header says.

use super::ArchiveError;
use super::layout::{Header, Method};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::io::Read;

const BUFFER_BYTES: usize = 64 << 10;

/// Unpacks the entry of `header` from `packed` (positioned at its content) and gives every piece to `sink`.
///
/// Memory is two buffers of 64 KiB and deflate's window. Content, length and CRC-32 must agree with the header, and
/// every packed byte must have been used.
pub(super) fn unpack(
    packed: impl Read,
    header: &Header,
    sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), ArchiveError> {
    let mut content = Content {
        header,
        crc: Crc::new(),
        bytes: 0,
        sink,
    };
    let source = packed.take(u64::from(header.packed));
    match header.method {
        Method::Stored => copy(source, &mut content)?,
        Method::Deflated => inflate(source, &mut content)?,
    }
    content.end()
}

/// What came out so far.
struct Content<'a> {
    header: &'a Header,
    crc: Crc,
    bytes: u64,
    sink: &'a mut dyn FnMut(&[u8]) -> std::io::Result<()>,
}

impl Content<'_> {
    fn damaged(&self, why: &'static str) -> ArchiveError {
        ArchiveError::Damaged {
            name: self.header.name.to_string(),
            why,
        }
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), ArchiveError> {
        self.bytes += piece.len() as u64;
        if self.bytes > u64::from(self.header.unpacked) {
            return Err(self.damaged("it unpacks to more bytes than its header says"));
        }
        self.crc.update(piece);
        (self.sink)(piece)?;
        Ok(())
    }

    fn end(&self) -> Result<(), ArchiveError> {
        if self.bytes != u64::from(self.header.unpacked) {
            return Err(self.damaged("it unpacks to fewer bytes than its header says"));
        }
        if self.crc.sum() != self.header.crc32 {
            return Err(self.damaged("its CRC-32 is another than its header says"));
        }
        Ok(())
    }
}

fn copy(mut source: impl Read, content: &mut Content<'_>) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(()),
            n => content.take(buffer.get(..n).unwrap_or_default())?,
        }
    }
}

fn inflate(mut source: impl Read, content: &mut Content<'_>) -> Result<(), ArchiveError> {
    let mut inflater = Decompress::new(false);
    let mut input = vec![0; BUFFER_BYTES];
    let mut output = vec![0; BUFFER_BYTES];
    let mut ended = false;
    loop {
        let n = source.read(&mut input)?;
        if n == 0 {
            break;
        }
        let mut rest = input.get(..n).unwrap_or_default();
        loop {
            if ended {
                if rest.is_empty() {
                    break;
                }
                return Err(content.damaged("bytes stand after its deflated content"));
            }
            let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
            let status = inflater
                .decompress(rest, &mut output, FlushDecompress::None)
                .map_err(|_| content.damaged("its content is not deflate"))?;
            let used = usize::try_from(inflater.total_in() - before_in).unwrap_or(usize::MAX);
            let made = usize::try_from(inflater.total_out() - before_out).unwrap_or(usize::MAX);
            rest = rest.get(used..).unwrap_or_default();
            content.take(output.get(..made).unwrap_or_default())?;
            ended = status == Status::StreamEnd;
            // Without progress more input is needed; an output buffer that was filled may hold back more.
            if !ended && rest.is_empty() && made < output.len() {
                break;
            }
            if !ended && used == 0 && made == 0 {
                return Err(content.damaged("its content is not deflate"));
            }
        }
    }
    if ended {
        Ok(())
    } else {
        Err(content.damaged("its deflated content is cut off"))
    }
}
