//! `--files`: what is served, what is not, and how much memory that takes.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::server::{Answer, Server};

/// A folder of its own for a test, with some files in it.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("site/sub")).expect("a folder");
    for (path, text) in [
        ("site/index.html", "<p>index"),
        ("site/a.txt", "0123456789"),
        ("site/sub/b.css", "p {}"),
        ("site/.hidden", "hidden"),
        ("secret.txt", "secret"),
    ] {
        fs::write(folder.join(path), text).expect("a file");
    }
    folder
}

fn serve(folder: &std::path::Path) -> Server {
    Server::start(&["--files", folder.join("site").to_str().expect("UTF-8")])
}

fn ask(server: &Server, path: &str, headers: &str) -> Answer {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n").as_bytes());
    client.answer()
}

/// Files with their types, and the index of a folder.
#[test]
fn files_and_folders() {
    let folder = folder("files");
    let server = serve(&folder);
    for (path, kind, text) in [
        ("/files/", "text/html; charset=utf-8", "<p>index"),
        ("/files/a.txt", "text/plain; charset=utf-8", "0123456789"),
        ("/files/sub/b.css", "text/css; charset=utf-8", "p {}"),
        ("/files//sub//b.css", "text/css; charset=utf-8", "p {}"),
    ] {
        let answer = ask(&server, path, "");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert_eq!(answer.text(), text);
    }
    for path in ["/files/none", "/files/sub", "/files/sub/", "/files/a.txt/x", "/files/.hidden"] {
        assert_eq!(ask(&server, path, "").status, 404, "{path}");
    }
}

/// No spelling of a path, and no link, leads out of the folder. A pipe in it holds nobody.
#[test]
fn nothing_outside_is_served() {
    let folder = folder("outside");
    std::os::unix::fs::symlink(folder.join("secret.txt"), folder.join("site/link.txt")).expect("a link");
    std::os::unix::fs::symlink(&folder, folder.join("site/up")).expect("a link");
    let made =
        Command::new("mkfifo").arg(folder.join("site/pipe")).status().is_ok_and(|status| status.success());
    assert!(made, "mkfifo runs");
    let server = serve(&folder);
    for path in [
        "/files/../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/..%2fsecret.txt",
        "/files/%2E%2E%2Fsecret.txt",
        "/files/sub/../../secret.txt",
        "/files/..%5csecret.txt",
        "/files//etc/passwd",
        "/files/%2fetc%2fpasswd",
        "/files/link.txt",
        "/files/up/secret.txt",
        "/files/pipe",
        "/files/a.txt%00",
    ] {
        let answer = ask(&server, path, "");
        assert_eq!((answer.status, answer.text().contains("secret")), (404, false), "{path}");
    }
}

/// A client that has the file already is told so; a part of it can be asked for.
#[test]
fn tags_and_ranges() {
    let folder = folder("ranges");
    let server = serve(&folder);
    let etag = ask(&server, "/files/a.txt", "").header("etag").expect("a tag").to_owned();
    for (headers, status, text) in [
        (format!("If-None-Match: {etag}\r\n"), 304, ""),
        (format!("If-None-Match: \"x\", W/{etag}\r\n"), 304, ""),
        ("If-None-Match: *\r\n".to_owned(), 304, ""),
        ("If-None-Match: \"x\"\r\n".to_owned(), 200, "0123456789"),
        ("Range: bytes=2-4\r\n".to_owned(), 206, "234"),
        ("Range: bytes=8-\r\n".to_owned(), 206, "89"),
        ("Range: bytes=-3\r\n".to_owned(), 206, "789"),
        ("Range: bytes=2-4,6-7\r\n".to_owned(), 200, "0123456789"),
        (format!("Range: bytes=2-4\r\nIf-Range: {etag}\r\n"), 206, "234"),
        ("Range: bytes=2-4\r\nIf-Range: \"old\"\r\n".to_owned(), 200, "0123456789"),
        ("Range: bytes=10-\r\n".to_owned(), 416, "416 Range Not Satisfiable\n"),
    ] {
        let answer = ask(&server, "/files/a.txt", &headers);
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{headers}");
    }
    let part = ask(&server, "/files/a.txt", "Range: bytes=2-4\r\n");
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    let none = ask(&server, "/files/a.txt", "Range: bytes=10-\r\n");
    assert_eq!(none.header("content-range"), Some("bytes */10"));
    let mut client = server.connect();
    client.send(b"HEAD /files/a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n");
    assert_eq!(client.head().header("content-length"), Some("10"), "ranges are for GET alone");
}

/// 32 MiB arrive byte for byte, and the server's memory does not follow.
#[test]
fn a_large_file_is_streamed() {
    let folder = folder("large");
    let bytes: Vec<u8> = (0..=250).cycle().take(32 << 20).collect();
    fs::write(folder.join("site/large.bin"), &bytes).expect("a file");
    let server = serve(&folder);
    assert_eq!(ask(&server, "/files/a.txt", "").status, 200);
    let before = server.memory("VmHWM");
    assert!(ask(&server, "/files/large.bin", "").body == bytes);
    if let (Some(before), Some(after)) = (before, server.memory("VmHWM")) {
        assert!(after < before + 4096, "the peak grew from {before} to {after} KiB");
    }
}

/// A file that becomes shorter while it is sent cannot keep its promised length: the connection is cut.
#[test]
fn a_file_that_shrinks_cuts_the_connection() {
    let folder = folder("shrinks");
    let path = folder.join("site/large.bin");
    fs::write(&path, vec![b'x'; 64 << 20]).expect("a file");
    let server = serve(&folder);
    let mut client = server.connect();
    client.send(b"GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status, 200);
    fs::File::options().write(true).open(&path).expect("the file").set_len(10).expect("cut");
    assert!(client.rest().len() < 64 << 20);
    assert_eq!(server.get("/healthz").status, 200);
}
