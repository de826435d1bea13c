//! What `--help` says beside the commands and their arguments: the settings and the
//! exit codes. They hold for all commands, so only the help of the program lists them.

use clap::CommandFactory;

use super::Cli;
use crate::config::VARIABLES;

const EXIT_CODES: &str = "\
Exit codes:
  0    success; everything that was read is loaded
  1    unexpected error
  2    invalid argument or setting
  3    loaded, but some resources or files were rejected or unreadable
  4    the database is unavailable
  5    record counts do not reconcile, or a check failed
  130  interrupted before the work was finished";

const MORE: &str =
    "`fhirmill --help` lists the settings, which are flags of every command, and the exit codes.";

/// The columns that the help of a setting fills.
const WIDTH: usize = 90;
const INDENT: &str = "      ";

/// The command line as it is declared, with the help for it.
pub(super) fn declaration() -> clap::Command {
    let about_all = format!("{}\n{EXIT_CODES}", settings());
    let mut program = Cli::command().after_help(MORE).after_long_help(about_all);
    refer_to_the_program(&mut program);
    program
}

/// Ends the help of every command with where the rest is.
fn refer_to_the_program(command: &mut clap::Command) {
    for subcommand in command.get_subcommands_mut() {
        *subcommand = std::mem::take(subcommand).after_help(MORE);
        refer_to_the_program(subcommand);
    }
}

fn settings() -> String {
    let mut text =
        "Settings, by flag, environment variable, a line in .env, or in fhirmill.toml:\n".to_owned();
    for variable in VARIABLES {
        let default = if variable.default.is_empty() {
            String::new()
        } else {
            format!(" [default: {}]", variable.default)
        };
        text.push_str(&format!("  --{} <{}>  {}\n", variable.flag, variable.value, variable.name));
        for line in wrapped(&format!("{}{default}", variable.help)) {
            text.push_str(&format!("{INDENT}{line}\n"));
        }
    }
    text
}

/// The text in lines of at most [`WIDTH`] columns, unless a word is longer.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(word);
        } else if INDENT.len() + line.len() + 1 + word.len() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_lists_the_settings() {
        fn check(command: &mut clap::Command, is_program: bool) {
            for help in [command.render_help(), command.render_long_help()].map(|help| help.to_string()) {
                assert!(is_program || !help.contains("--inbox-dir <"), "{help}");
            }
            for subcommand in command.get_subcommands_mut() {
                check(subcommand, false);
            }
        }
        let mut program = declaration();
        program.build();
        check(&mut program, true);
        let help = program.render_long_help().to_string();
        for variable in VARIABLES {
            let flag = format!("--{} <{}>  {}\n", variable.flag, variable.value, variable.name);
            assert!(help.contains(&flag), "{flag} in {help}");
        }
    }

    #[test]
    fn long_text_is_wrapped_between_words() {
        let lines = wrapped(&"word ".repeat(40));
        assert_eq!(lines.concat().matches("word").count(), 40);
        assert!(lines.iter().all(|line| line.len() <= WIDTH - INDENT.len()), "{lines:?}");
    }
}
