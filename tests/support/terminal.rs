//! A *terminal* as a person sees it: a command runs on a pseudo-terminal, and what it
//! writes becomes the lines that are left on the screen.

use std::collections::BTreeMap;
use std::process::Command;

use super::{BINARY, TestEnvironment};

impl TestEnvironment {
    /// The lines on a terminal with so many columns after a run of the binary. `None`
    /// where there is no `script`, which makes the terminal.
    pub fn screen_of(&self, arguments: &str, columns: usize) -> Option<Vec<String>> {
        let typescript = self.path("typescript");
        let command = format!("stty cols {columns} rows 24; '{BINARY}' {arguments}");
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &command]).arg(&typescript);
        script.envs(self.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("TERM", "xterm").current_dir(self.path("")).stdin(std::process::Stdio::null());
        script.output().ok()?;
        let written = String::from_utf8_lossy(&std::fs::read(typescript).unwrap()).into_owned();
        Some(screen(written.split_once('\n').unwrap().1, columns))
    }
}

/// What a terminal shows of a text with control sequences; empty lines are left out.
fn screen(text: &str, columns: usize) -> Vec<String> {
    let mut lines: BTreeMap<usize, BTreeMap<usize, char>> = BTreeMap::new();
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                let mut sequence = String::new();
                for next in rest.by_ref() {
                    sequence.push(next);
                    if next.is_ascii_alphabetic() {
                        break;
                    }
                }
                let number = sequence.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().ok();
                match sequence.chars().last() {
                    Some('A') => row = row.saturating_sub(number.unwrap_or(1)),
                    Some('B') => row += number.unwrap_or(1),
                    Some('K') if number == Some(2) => drop(lines.remove(&row)),
                    Some('K' | 'J') => drop(lines.entry(row).or_default().split_off(&column)),
                    _ => {}
                }
            }
            _ if letter.is_control() => {}
            _ => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                lines.entry(row).or_default().insert(column, letter);
                column += 1;
            }
        }
    }
    let line = |letters: &BTreeMap<usize, char>| {
        let last = letters.keys().last().map_or(0, |last| last + 1);
        let text: String = (0..last).map(|column| letters.get(&column).unwrap_or(&' ')).collect();
        text.trim_end().to_owned()
    };
    lines.values().map(line).filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_cleared_line_is_gone_and_a_long_one_is_wrapped() {
    assert_eq!(screen("bar\r\u{1b}[2Kdone\r\nab", 80), ["done", "ab"]);
    assert_eq!(screen("abcdef\r\u{1b}[2K\u{1b}[1A\r\u{1b}[2Kx", 4), ["x"]);
    assert_eq!(screen("abcdef", 4), ["abcd", "ef"]);
}
