//! The lines of the input file, as they arrive: at once, or at a rate with random gaps.

use crate::arguments::Arguments;
use indicatif::{ProgressBar, ProgressStyle};
use modi::Error;
use shop::feed::Fed;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};

pub(crate) struct Arrivals {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    rate: Option<u32>,
    random: fastrand::Rng,
    bar: ProgressBar,
    /// Lines read.
    pub(crate) lines_read: u64,
    /// Lines that hold no event.
    pub(crate) unreadable: u64,
    /// Events published that nobody listens to.
    pub(crate) unheard: u64,
    /// Events published that are handled.
    pub(crate) published: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read the input `{}`", path.display())]
struct InputError {
    path: PathBuf,
    source: io::Error,
}

impl Arrivals {
    pub(crate) async fn open(arguments: &Arguments) -> modi::Result<Self> {
        let path = arguments.input.clone();
        let failed = |source| InputError { path: path.clone(), source };
        let file = File::open(&path).await.map_err(failed)?;
        let metadata = file.metadata().await.map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)).into());
        }
        // It draws itself on a terminal only.
        let bar = ProgressBar::new(metadata.len());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed}  {msg}") {
            bar.set_style(style);
        }
        Ok(Self {
            path,
            file: BufReader::new(file),
            line: Vec::new(),
            rate: arguments.rate,
            random: fastrand::Rng::with_seed(arguments.seed),
            bar,
            lines_read: 0,
            unreadable: 0,
            unheard: 0,
            published: 0,
        })
    }

    /// The next line, when it arrives. Dropping the wait loses at most the end of the file.
    pub(crate) async fn next(&mut self) -> modi::Result<Option<&[u8]>> {
        if let Some(rate) = self.rate {
            // Gaps between independent events: exponentially distributed.
            let gap = -(1.0 - self.random.f64()).ln() / f64::from(rate);
            tokio::time::sleep(Duration::from_secs_f64(gap)).await;
        }
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line).await;
        let read = read.map_err(|source| Error::new(InputError { path: self.path.clone(), source }))?;
        if read == 0 {
            return Ok(None);
        }
        self.lines_read += 1;
        self.bar.inc(read as u64);
        Ok(Some(&self.line))
    }

    /// What became of the last line.
    pub(crate) fn count(&mut self, fed: Fed) {
        *(match fed {
            Fed::Published => &mut self.published,
            Fed::Unheard => &mut self.unheard,
            Fed::Unreadable => &mut self.unreadable,
        }) += 1;
        if self.lines_read.is_multiple_of(100) {
            self.bar.set_message(format!("{} events", self.published));
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
