//! Signals to a real process: the first one drains, the second one ends it, whatever a handler does.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// A service under test. It is killed if the test ends before it does.
struct Service {
    child: Child,
    /// What the handler waits for.
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Service {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_service"));
        let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().expect("it starts");
        let input = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, input, lines }
    }

    fn says(&mut self) -> Option<String> {
        self.lines.next().and_then(Result::ok)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended in every test that goes well.
        let _ended = (self.child.kill(), self.child.wait());
    }
}

#[test]
fn a_first_signal_lets_the_handler_finish_and_is_no_error() {
    for signal in ["-TERM", "-INT"] {
        let mut service = Service::start(&[]);
        assert_eq!(service.says().as_deref(), Some("working"));
        service.signal(signal);
        assert_eq!(service.says().as_deref(), Some("stopping"), "the signal has come");
        service.input.write_all(b"go on\n").expect("it reads");
        assert_eq!(service.says().as_deref(), Some("worked"), "the running handler finishes");
        assert_eq!(service.says().as_deref(), Some("stopped"), "then the hooks run");
        assert_eq!(service.says().as_deref(), Some("ended"));
        assert!(service.end().success(), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_a_process_whose_handler_blocks_its_thread() {
    let mut service = Service::start(&["stuck"]);
    assert_eq!(service.says().as_deref(), Some("working"));
    service.signal("-TERM");
    assert_eq!(service.says().as_deref(), Some("stopping"));
    assert_eq!(service.says().as_deref(), Some("stopped"), "the drain has its deadline");
    assert_eq!(service.says().as_deref(), Some("ended"));
    service.signal("-TERM");
    assert_eq!(service.end().code(), Some(130), "the runtime waits for the thread, the process does not");
}
