//! Files from a folder, read on the blocking pool.
//!
//! The problem: a read from a disk blocks, and epoll is of no help: a file is always "ready". So every touch of the
//! file system is a job for another thread, and the task waits for it like for a socket.
//!
//! ```text
//!   GET /files/a/b.txt --> job: resolve, open, look --> 304, 416, or 200 / 206 with a FileBody
//!   FileBody::poll_chunk --> job: read 64 KiB --> chunk --> socket takes it --> next job
//! ```
//!
//! 1. Nothing outside of the folder is ever opened: `..` and the like are refused, and the resolved path, all links
//!    followed, must lie inside of the resolved folder. Somebody may exchange a part of the path between that look and
//!    the opening; so where the opened file lies is asked again, of the system. (One hole is left: a file exchanged
//!    for a pipe in that moment holds a thread until somebody writes into it. Let nobody write there whom you do not
//!    trust.)
//! 2. One chunk per file in memory, however large the file and however slow the client.
//! 3. Regular files only: a pipe or a device could hold a thread for ever.

use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use super::body::{Body, BodyError, BodySource, Chunk};
use super::date::http_date;
use super::handler::Handler;
use super::method::Method;
use super::request::Request;
use super::response::{IntoResponse, Response};
use super::status::Status;
use crate::runtime::Handle;
use crate::runtime::blocking::Blocking;

/// Bytes read by one job. Large enough that the trip to another thread and back costs little beside the read.
const CHUNK: u64 = 64 * 1024;

/// Serves the files below `folder` for a route that ends in `{*path}`.
pub fn files(handle: Handle, folder: PathBuf) -> impl Handler {
    async move |request: Request| {
        let Some(relative) = safe_path(request.param("path")) else {
            return Status::NOT_FOUND.into_response();
        };
        let folder = folder.clone();
        let found = handle.spawn_blocking(move || look(&folder, &relative)).await;
        match found {
            Ok(Ok(found)) => answer(&handle, &request, found),
            Ok(Err(error)) => failed(&error),
            Err(error) => {
                log::error!("a file job failed: {error}");
                Status::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// A file that was found and opened.
struct Found {
    file: File,
    length: u64,
    etag: String,
    last_modified: String,
    content_type: &'static str,
}

/// The path as relative components, or nothing if any of them could lead elsewhere.
fn safe_path(path: &str) -> Option<PathBuf> {
    let mut safe = PathBuf::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part.starts_with('.') || part.contains(['\\', '\0', ':']) {
            return None; // Also hidden files: what begins with a dot was not meant to be seen.
        }
        safe.push(part);
    }
    Some(safe)
}

/// Runs on a pool thread: everything that touches the file system before the first byte.
fn look(folder: &Path, relative: &Path) -> io::Result<Found> {
    let folder = fs::canonicalize(folder)?;
    let mut path = fs::canonicalize(folder.join(relative))?;
    if path.is_dir() {
        path = fs::canonicalize(path.join("index.html"))?;
    }
    if !path.starts_with(&folder) || !fs::metadata(&path)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::open(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !lies_in(&folder, &file) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let nanos = modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let length = metadata.len();
    let etag = format!("\"{length:x}-{nanos:x}\"");
    Ok(Found { file, length, etag, last_modified: http_date(modified), content_type: content_type(&path) })
}

/// Where the open file really lies, according to Linux. A system without `/proc` says nothing; there the look at the
/// path before has to do.
fn lies_in(folder: &Path, file: &File) -> bool {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_or(true, |path| path.starts_with(folder))
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn failed(error: &io::Error) -> Response {
    match error.kind() {
        // The last one: a name that is too long for any file. No client shall fill the log with such.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            Status::NOT_FOUND.into_response()
        }
        io::ErrorKind::PermissionDenied => Status::FORBIDDEN.into_response(),
        _ => {
            log::error!("cannot read a file: {error}");
            Status::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn answer(handle: &Handle, request: &Request, found: Found) -> Response {
    if is_known(request, &found) {
        return Response::new(Status::NOT_MODIFIED)
            .with_header("etag", found.etag)
            .with_header("last-modified", found.last_modified);
    }
    // A range of an older version would be glued to the wrong rest.
    let same = request.header("if-range").is_none_or(|tag| tag == found.etag);
    // Ranges are defined for GET alone (RFC 9110, 14.2).
    let ranged = same && request.method() == Method::Get;
    let range = request.header("range").filter(|_| ranged).and_then(|text| parse_range(text, found.length));
    let (status, range) = match range {
        Some(Ok(range)) => (Status::PARTIAL_CONTENT, range),
        None => (Status::OK, 0..found.length),
        Some(Err(Unsatisfiable)) => {
            return Response::of(Status::RANGE_NOT_SATISFIABLE)
                .with_header("content-range", format!("bytes */{}", found.length));
        }
    };
    let mut response = Response::new(status)
        .with_header("content-type", found.content_type)
        .with_header("etag", found.etag)
        .with_header("last-modified", found.last_modified)
        .with_header("accept-ranges", "bytes")
        // The type is ours to say, not the browser's to guess from the bytes.
        .with_header("x-content-type-options", "nosniff");
    if status == Status::PARTIAL_CONTENT {
        let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, found.length);
        response = response.with_header("content-range", content_range);
    }
    let length = range.end - range.start;
    let body = FileBody { handle: handle.clone(), reading: Reading::Idle(found.file), range };
    response.with_body(Body::stream(body, Some(length)))
}

/// Whether the client has this very state of the file. The tag counts, if it sends one; the date only if it sends none
/// (RFC 9110, 13.1.3). A date is compared as text with the one that we have given out: no other comes from us, and a
/// file that was put back to an older state is another file.
fn is_known(request: &Request, found: &Found) -> bool {
    match (request.header("if-none-match"), request.header("if-modified-since")) {
        (Some(tags), _) => matches_etag(tags, &found.etag),
        (None, Some(date)) => date == found.last_modified,
        (None, None) => false,
    }
}

/// `If-None-Match` (RFC 9110, 13.1.2): a list of tags, or `*`. The comparison is weak: `W/` does not count.
fn matches_etag(tags: &str, own: &str) -> bool {
    tags.trim() == "*" || tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == own)
}

/// The range begins behind the end of the file.
#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// One range of RFC 9110, 14.1.2: `bytes=0-99`, `bytes=100-`, `bytes=-50`. `None`: not one of these, or several; they are
/// then ignored, as the RFC allows, and the whole file is sent.
fn parse_range(text: &str, length: u64) -> Option<Result<Range<u64>, Unsatisfiable>> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.split_once('-').filter(|_| unit.eq_ignore_ascii_case("bytes"))?;
    // What does not fit into 64 bits is beyond the end of any file, and no less a number.
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (first, last) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if range.start < range.end { Ok(range) } else { Err(Unsatisfiable) })
}

/// A file, or a part of it, chunk by chunk.
struct FileBody {
    handle: Handle,
    reading: Reading,
    /// What is still to be sent.
    range: Range<u64>,
}

enum Reading {
    Idle(File),
    /// A job has the file and gives it back with the bytes.
    Busy(Blocking<io::Result<(File, Vec<u8>)>>),
    Over,
}

impl BodySource for FileBody {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        loop {
            match std::mem::replace(&mut self.reading, Reading::Over) {
                Reading::Over => return Poll::Ready(None),
                Reading::Idle(_) if self.range.is_empty() => return Poll::Ready(None),
                Reading::Idle(file) => {
                    let part = self.range.start..self.range.end.min(self.range.start + CHUNK);
                    self.reading = Reading::Busy(self.handle.spawn_blocking(move || read_part(file, part)));
                }
                Reading::Busy(mut job) => {
                    let done = Pin::new(&mut job).poll(cx);
                    if done.is_pending() {
                        self.reading = Reading::Busy(job);
                    }
                    let (file, bytes) =
                        ready!(done).map_err(|error| io::Error::other(error.to_string()))??;
                    self.range.start += bytes.len() as u64;
                    self.reading = Reading::Idle(file);
                    return Poll::Ready(Some(Ok(Chunk::Owned(bytes))));
                }
            }
        }
    }
}

/// Runs on a pool thread. A file that became shorter meanwhile is an error: its length was promised.
fn read_part(mut file: File, part: Range<u64>) -> io::Result<(File, Vec<u8>)> {
    file.seek(SeekFrom::Start(part.start))?;
    let mut bytes = Vec::new();
    let wanted = part.end - part.start;
    Read::by_ref(&mut file).take(wanted).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((file, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110, 14.1.2, and what is to be ignored.
    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-0", Some(Ok(0..1))),
            ("bytes=5-", Some(Ok(5..10))),
            ("bytes=-3", Some(Ok(7..10))),
            ("bytes=-30", Some(Ok(0..10))),
            ("bytes=2-99", Some(Ok(2..10))),
            ("bytes=10-", Some(Err(Unsatisfiable))),
            ("bytes=-0", Some(Err(Unsatisfiable))),
            ("bytes=3-2", None),
            ("BYTES=1-1", Some(Ok(1..2))),
            ("bytes=2-99999999999999999999999", Some(Ok(2..10))),
            ("bytes=-99999999999999999999999", Some(Ok(0..10))),
            ("bytes=99999999999999999999999-", Some(Err(Unsatisfiable))),
            ("bytes=18446744073709551615-18446744073709551615", Some(Err(Unsatisfiable))),
            ("bytes=-", None),
            ("bytes=", None),
            ("bytes", None),
            ("bytes= 0-1", None),
            ("bytes=0-1,3-4", None),
            ("bytes=+1-2", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(parse_range(text, 10), expected, "{text}");
        }
    }

    /// An open file is asked where it lies, whatever path it was opened by.
    #[test]
    #[cfg_attr(miri, ignore = "miri has no /proc")]
    fn an_open_file_knows_its_place() {
        let file = File::open("Cargo.toml").expect("a file");
        let here = fs::canonicalize(".").expect("a folder");
        assert!(lies_in(&here, &file));
        assert!(!lies_in(&here.join("src"), &file));
    }

    /// No spelling leads out of the folder.
    #[test]
    fn paths() {
        assert_eq!(safe_path("a//b.txt"), Some(PathBuf::from("a/b.txt")));
        for bad in ["..", "a/../b", "../etc/passwd", ".git/config", "a\\b", "c:x", "a\0"] {
            assert_eq!(safe_path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn etags() {
        assert!(matches_etag("\"a\", W/\"b\"", "\"b\""));
        assert!(matches_etag("*", "\"b\""));
        assert!(!matches_etag("\"a\"", "\"b\""));
    }
}
