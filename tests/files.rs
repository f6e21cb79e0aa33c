//! `--files`: what is served, what is not, and how much memory that takes.

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

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

/// Each known ending has its type, and what is not known is octets that nobody shall guess at.
#[test]
fn types() {
    let folder = folder("types");
    let server = serve(&folder);
    for (name, kind) in [
        ("a.html", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.b.wasm", "application/wasm"),
        ("a.xyz", "application/octet-stream"),
        ("html", "application/octet-stream"),
        ("\u{e9} b.txt", "text/plain; charset=utf-8"),
    ] {
        fs::write(folder.join("site").join(name), "x").expect("a file");
        let path = format!("/files/{}", name.replace('\u{e9}', "%C3%A9").replace(' ', "%20"));
        let answer = ask(&server, &path, "");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{name}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    }
}

/// A tag belongs to one state of a file: it is the same for each answer, and another one when the file has changed. A 304
/// repeats it and has no body, and the connection goes on behind it.
#[test]
fn a_tag_changes_with_the_file() {
    let folder = folder("tags");
    let server = serve(&folder);
    let mut client = server.connect();
    let mut get = |headers: &str| {
        client.send(format!("GET /files/a.txt HTTP/1.1\r\nHost: a\r\n{headers}\r\n").as_bytes());
        client.answer()
    };
    let old = get("").header("etag").expect("a tag").to_owned();
    assert_eq!(get("").header("etag"), Some(&*old));
    let same = get(&format!("If-None-Match: {old}\r\n"));
    assert_eq!((same.status, same.header("etag")), (304, Some(&*old)));
    assert_eq!((same.header("content-length"), same.header("transfer-encoding")), (None, None));

    fs::write(folder.join("site/a.txt"), "another length").expect("a file");
    let changed = get(&format!("If-None-Match: {old}\r\n"));
    assert_eq!((changed.status, changed.text().as_str()), (200, "another length"));
    assert_ne!(changed.header("etag"), Some(&*old));
    let stale = get(&format!("Range: bytes=0-1\r\nIf-Range: {old}\r\n"));
    assert_eq!(
        (stale.status, stale.text().as_str()),
        (200, "another length"),
        "a part of another file is no use"
    );
}

/// An empty file is an answer without a body; no range of it can be satisfied.
#[test]
fn an_empty_file() {
    let folder = folder("empty");
    fs::write(folder.join("site/empty.txt"), "").expect("a file");
    let server = serve(&folder);
    let whole = ask(&server, "/files/empty.txt", "");
    assert_eq!((whole.status, whole.header("content-length")), (200, Some("0")));
    for range in ["0-", "0-0", "-1"] {
        let part = ask(&server, "/files/empty.txt", &format!("Range: bytes={range}\r\n"));
        assert_eq!((part.status, part.header("content-range")), (416, Some("bytes */0")), "{range}");
    }
}

/// Files are for GET and HEAD. HEAD says what GET would say, for a file and for what is none.
#[test]
fn files_are_read_only() {
    let folder = folder("methods");
    let server = serve(&folder);
    let mut client = server.connect();
    let mut head = |line: &str| {
        client.send(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        client.head()
    };
    let found = head("HEAD /files/a.txt");
    assert_eq!((found.status, found.header("content-length")), (200, Some("10")));
    assert_eq!(head("HEAD /files/none").status, 404);
    for method in ["PUT", "DELETE", "POST"] {
        let mut client = server.connect();
        client.send(
            format!("{method} /files/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        );
        let refused = client.answer();
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
    assert_eq!(fs::read_to_string(folder.join("site/a.txt")).expect("the file"), "0123456789");
}

/// A link may lead to another place inside of the folder, and the folder itself may be a link. A link to a folder outside
/// is no way around the rule for its index, nor is a link to nothing.
#[test]
fn links() {
    use std::os::unix::fs::symlink;
    let folder = folder("links");
    fs::create_dir(folder.join("outside")).expect("a folder");
    fs::write(folder.join("outside/index.html"), "secret").expect("a file");
    symlink("sub/b.css", folder.join("site/inside.css")).expect("a link");
    symlink("../outside", folder.join("site/out")).expect("a link");
    symlink("../outside/index.html", folder.join("site/sub/index.html")).expect("a link");
    symlink("nothing", folder.join("site/dangling")).expect("a link");
    symlink(folder.join("site"), folder.join("alias")).expect("a link");
    let server = Server::start(&["--files", folder.join("alias").to_str().expect("UTF-8")]);
    assert_eq!(ask(&server, "/files/inside.css", "").text(), "p {}");
    for path in ["/files/out", "/files/out/", "/files/out/index.html", "/files/sub/", "/files/dangling"] {
        let answer = ask(&server, path, "");
        assert_eq!((answer.status, answer.text().contains("secret")), (404, false), "{path}");
    }
}

/// More pipes are asked for than there are threads for files: each is refused without being opened, so that a file is
/// still served afterwards.
#[test]
fn pipes_hold_no_thread() {
    let folder = folder("pipes");
    let made = Command::new("mkfifo").arg(folder.join("site/pipe")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo runs");
    let server = serve(&folder);
    let mut clients: Vec<_> = (0..64).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"GET /files/pipe HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 404);
    }
    assert_eq!(ask(&server, "/files/a.txt", "").text(), "0123456789");
}

/// A file that the server may not read is 403. Root may read everything: there this test has nothing to try.
#[test]
fn an_unreadable_file_is_forbidden() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("unreadable");
    let path = folder.join("site/a.txt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).expect("my own file");
    if fs::read(&path).is_ok() {
        return println!("skipped: this user may read every file");
    }
    assert_eq!(ask(&serve(&folder), "/files/a.txt", "").status, 403);
}

/// A part that begins in one piece of a file and ends in another arrives byte for byte, at each edge.
#[test]
fn ranges_across_pieces() {
    let folder = folder("pieces");
    let bytes: Vec<u8> = (0..=250).cycle().take(200_000).collect();
    fs::write(folder.join("site/large.bin"), &bytes).expect("a file");
    let server = serve(&folder);
    let piece = 64 * 1024;
    for (first, last) in
        [(0, piece), (piece - 1, piece), (1, 2 * piece), (piece, 2 * piece - 1), (65_000, 199_999)]
    {
        let part = ask(&server, "/files/large.bin", &format!("Range: bytes={first}-{last}\r\n"));
        assert_eq!(part.status, 206);
        assert_eq!(part.header("content-range"), Some(&*format!("bytes {first}-{last}/200000")));
        assert!(part.body == bytes[first..=last], "{first}-{last}: not the bytes of the file");
    }
}

/// A client that keeps dates and no tags is told, too, that it has the file already. The tag counts where both are sent,
/// and any other date, an older, a later or none at all, gets the file.
#[test]
fn a_date_is_as_good_as_a_tag() {
    let folder = folder("dates");
    let server = serve(&folder);
    let file = fs::File::options().write(true).open(folder.join("site/a.txt")).expect("a file");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)).expect("a time");
    let known = "Sun, 06 Nov 1994 08:49:37 GMT";
    let first = ask(&server, "/files/a.txt", "");
    assert_eq!(first.header("last-modified"), Some(known));
    let tag = first.header("etag").expect("a tag").to_owned();
    for (headers, status) in [
        (format!("If-Modified-Since: {known}\r\n"), 304),
        (format!("If-Modified-Since: {known}\r\nIf-None-Match: {tag}\r\n"), 304),
        (format!("If-Modified-Since: {known}\r\nIf-None-Match: \"other\"\r\n"), 200),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n".to_owned(), 200),
        ("If-Modified-Since: yesterday\r\n".to_owned(), 200),
        (format!("If-Modified-Since: {known}\r\nRange: bytes=0-1\r\n"), 304),
        (format!("If-Range: {known}\r\nRange: bytes=0-1\r\n"), 200),
    ] {
        let answer = ask(&server, "/files/a.txt", &headers);
        assert_eq!((answer.status, answer.header("last-modified")), (status, Some(known)), "{headers}");
    }
}

/// What a client can spell in a hundred ways is nowhere, and no error of the server's: `..` in any encoding, names that
/// are too long for a file, a zero byte. The log stays empty.
#[test]
fn odd_names_are_not_found() {
    let folder = folder("odd");
    let server = serve(&folder);
    let (long, deep) = ("x".repeat(300), "d/".repeat(3000));
    for path in [
        "%2e%2e/secret.txt",
        "%2E%2E%2fsecret.txt",
        "sub/%2e%2e/%2e%2e/secret.txt",
        "..%2f..%2fsecret.txt",
        "..%5csecret.txt",
        "%2fetc%2fpasswd",
        "a.txt%00.html",
        "%2ehidden",
        "%252e%252e%252fsecret.txt",
        &long,
        &deep,
    ] {
        assert_eq!(ask(&server, &format!("/files/{path}"), "").status, 404, "{path}");
    }
    assert_eq!(ask(&server, "/files/%ff", "").status, 400);
    server.signal("TERM");
    let said = server.wait().1;
    assert!(!said.contains("ERROR"), "{said}");
}

/// A folder that is not there is a mistake in the command line, not a 404 for everybody.
#[test]
fn a_folder_must_be_there() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_glassbox")).args(["--files", "/nowhere"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("/nowhere is no folder (hint: --files wants one that exists)"), "{text}");
}
