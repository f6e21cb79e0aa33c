//! What a case is: the bytes that a client sends, and every outcome that the RFCs allow.
//!
//! A case is data. It says nothing about sockets, so that a reader can check it with an RFC beside it.
//!
//! ```text
//! must("9112 5.1", "a space before the colon")      tag, section, name
//!     .send(get_with("X-A : 1"))                    raw bytes, in one or more pieces
//!     .gives(refused(&[400]))                       an outcome: answers, then the end of the connection
//!     .or(...)                                      another outcome that is as right
//! ```
//!
//! 1. An outcome names *all* answers, in order. One answer too many is a failure: it is how a smuggled request shows.
//! 2. Where the RFC leaves a choice, the case lists each choice as an outcome. Any of them passes.
//! 3. `After` says what the connection must do after the last answer. `ShouldClose` is for the many places where the
//!    RFC says "SHOULD close": keeping it is noted and does not fail.

/// How much a failure weighs. Only `Should` leaves the suite green.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag {
    Must,
    Should,
    Smuggling,
    Dos,
}

/// The server that a case talks to; each flavour is one child process with its own flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavour {
    Default,
    /// `--max-body 16`
    SmallBody,
    /// every timeout one second
    Impatient,
}

#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    /// Read one answer before going on, such as the 100 that a client waits for.
    AwaitReply,
    /// Shut down the sending half.
    Finish,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// A following request must be answered.
    Kept,
    /// The server must close, without being asked for anything more.
    Closed,
    /// The same, and an end by reset is a failure: a reset can destroy the answer on its way.
    ClosedCleanly,
    /// Closing is right; keeping is noted.
    ShouldClose,
    /// Both are right, as long as a following request is answered correctly or not at all.
    Either,
}

#[derive(Clone, Debug)]
pub enum Body {
    Any,
    Is(Vec<u8>),
    Contains(Vec<u8>),
    Length(usize),
    /// One line of text, with or without its line end.
    OneLine,
}

#[derive(Clone, Debug)]
pub enum Rule {
    Has(&'static str),
    Lacks(&'static str),
    Is(&'static str, String),
    /// The header is a comma-separated list that has this member.
    Lists(&'static str, &'static str),
    /// The same headers as in an earlier answer, apart from `Date`.
    SameAs(usize),
    /// The same header names as in an earlier answer: for routes whose content changes between two requests.
    SameNamesAs(usize),
}

/// One expected answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: &'static [u16],
    pub body: Body,
    pub rules: Vec<Rule>,
    /// It answers HEAD: no body follows, whatever the header says.
    pub to_head: bool,
    /// It breaks off: the connection ends before the message does, and `body` holds the longest allowed start.
    pub cut: bool,
}

pub fn reply(status: &'static [u16]) -> Reply {
    Reply { status, body: Body::Any, rules: Vec::new(), to_head: false, cut: false }
}

/// A 200, which nearly every reply of a pipeline is.
pub fn ok() -> Reply {
    reply(&[200])
}

impl Reply {
    pub fn body(mut self, bytes: impl AsRef<[u8]>) -> Reply {
        self.body = Body::Is(bytes.as_ref().to_vec());
        self
    }

    pub fn contains(mut self, bytes: impl AsRef<[u8]>) -> Reply {
        self.body = Body::Contains(bytes.as_ref().to_vec());
        self
    }

    pub fn length(mut self, length: usize) -> Reply {
        self.body = Body::Length(length);
        self
    }

    pub fn one_line(mut self) -> Reply {
        self.body = Body::OneLine;
        self
    }

    pub fn rule(mut self, rule: Rule) -> Reply {
        self.rules.push(rule);
        self
    }

    pub fn has(self, name: &'static str) -> Reply {
        self.rule(Rule::Has(name))
    }

    pub fn lacks(self, name: &'static str) -> Reply {
        self.rule(Rule::Lacks(name))
    }

    pub fn with(self, name: &'static str, value: &str) -> Reply {
        self.rule(Rule::Is(name, value.to_string()))
    }

    pub fn lists(self, name: &'static str, member: &'static str) -> Reply {
        self.rule(Rule::Lists(name, member))
    }

    pub fn without_body(mut self) -> Reply {
        self.to_head = true;
        self
    }

    /// This reply, and then the given end of the connection.
    pub fn then(self, after: After) -> Outcome {
        Outcome { replies: vec![self], after }
    }
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub replies: Vec<Reply>,
    pub after: After,
}

pub fn replies(replies: impl Into<Vec<Reply>>, after: After) -> Outcome {
    Outcome { replies: replies.into(), after }
}

/// One 200, and the connection goes on.
pub fn served() -> Outcome {
    ok().then(After::Kept)
}

/// One 200 with exactly this body, and the connection goes on.
pub fn served_with(body: impl AsRef<[u8]>) -> Outcome {
    ok().body(body).then(After::Kept)
}

/// One error, and the connection must close: the framing is lost.
pub fn refused(status: &'static [u16]) -> Outcome {
    reply(status).then(After::Closed)
}

/// One error, and the connection should close: the syntax is wrong.
pub fn rejected(status: &'static [u16]) -> Outcome {
    reply(status).then(After::ShouldClose)
}

/// One answer; the connection may go on or end.
pub fn answers(status: &'static [u16]) -> Outcome {
    reply(status).then(After::Either)
}

/// A streamed 200 that breaks off: what an echo can still do when its input turns out to be broken.
pub fn cut(longest: impl AsRef<[u8]>) -> Outcome {
    let reply = Reply { cut: true, ..ok().body(longest) };
    reply.then(After::Closed)
}

/// No answer at all.
pub fn silent() -> Outcome {
    Outcome { replies: Vec::new(), after: After::Closed }
}

#[derive(Clone, Debug)]
pub struct Case {
    pub tag: Tag,
    pub rfc: &'static str,
    pub group: &'static str,
    pub name: String,
    pub flavour: Flavour,
    pub steps: Vec<Step>,
    pub outcomes: Vec<Outcome>,
}

fn case(tag: Tag, rfc: &'static str, name: impl Into<String>) -> Case {
    let (group, flavour) = ("", Flavour::Default);
    Case { tag, rfc, group, name: name.into(), flavour, steps: Vec::new(), outcomes: Vec::new() }
}

pub fn must(rfc: &'static str, name: impl Into<String>) -> Case {
    case(Tag::Must, rfc, name)
}

pub fn should(rfc: &'static str, name: impl Into<String>) -> Case {
    case(Tag::Should, rfc, name)
}

pub fn smuggling(rfc: &'static str, name: impl Into<String>) -> Case {
    case(Tag::Smuggling, rfc, name)
}

pub fn dos(rfc: &'static str, name: impl Into<String>) -> Case {
    case(Tag::Dos, rfc, name)
}

impl Case {
    pub fn send(mut self, bytes: impl AsRef<[u8]>) -> Case {
        self.steps.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    pub fn await_reply(mut self) -> Case {
        self.steps.push(Step::AwaitReply);
        self
    }

    pub fn finish(mut self) -> Case {
        self.steps.push(Step::Finish);
        self
    }

    pub fn on(mut self, flavour: Flavour) -> Case {
        self.flavour = flavour;
        self
    }

    pub fn gives(mut self, outcome: Outcome) -> Case {
        self.outcomes.push(outcome);
        self
    }

    /// One more outcome that is as right as the first.
    pub fn or(self, outcome: Outcome) -> Case {
        self.gives(outcome)
    }

    /// All bytes of the script, in order.
    pub fn bytes(&self) -> Vec<u8> {
        let sends = self.steps.iter().filter_map(|step| match step {
            Step::Send(bytes) => Some(bytes.as_slice()),
            Step::AwaitReply | Step::Finish => None,
        });
        sends.collect::<Vec<_>>().concat()
    }

    /// Whether the client shuts down its sending half.
    pub fn finishes(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Finish))
    }

    /// The reply at `index` answers HEAD. All outcomes of a case agree on that.
    pub fn to_head(&self, index: usize) -> bool {
        self.outcomes.iter().any(|outcome| outcome.replies.get(index).is_some_and(|reply| reply.to_head))
    }
}

/// A request of the given request line, with a Host and nothing else.
pub fn line(request_line: impl AsRef<[u8]>) -> Vec<u8> {
    [request_line.as_ref(), b"\r\nHost: h\r\n\r\n"].concat()
}

/// `GET` of a path.
pub fn get(path: &str) -> Vec<u8> {
    line(format!("GET {path} HTTP/1.1"))
}

/// `GET /healthz` with more header lines.
pub fn get_with(lines: impl AsRef<[u8]>) -> Vec<u8> {
    [b"GET /healthz HTTP/1.1\r\nHost: h\r\n", lines.as_ref(), b"\r\n\r\n"].concat()
}

/// `POST /echo` with the header lines that frame its body, and what follows the head.
pub fn post(lines: impl AsRef<[u8]>, rest: impl AsRef<[u8]>) -> Vec<u8> {
    [b"POST /echo HTTP/1.1\r\nHost: h\r\n", lines.as_ref(), b"\r\n\r\n", rest.as_ref()].concat()
}

/// `POST /echo` with a body in chunks, given raw.
pub fn chunks(raw: impl AsRef<[u8]>) -> Vec<u8> {
    post("Transfer-Encoding: chunked", raw)
}

/// A request that must never be answered: it stands where only a misread length would find it.
pub const HIDDEN: &str = "GET /hello/smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

/// `hello` in one chunk, and the end of the body.
pub const HELLO_CHUNKED: &str = "5\r\nhello\r\n0\r\n\r\n";
