//! Shell completions and man pages, made from the command line as it is declared.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use super::help::declaration;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell: bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// The folder to write the pages to, one for the program and one for each command
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
}

/// The completions for a shell.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut declaration(), "fhirmill", &mut text);
    text
}

/// Writes a page for the program and one for each command, such as `fhirmill-migrate-up.1`; returns
/// how many there are. Only the first one has the settings, which are flags of every command.
pub(crate) fn write_pages(folder: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut program = declaration();
    program.build();
    write_page(&program, "fhirmill", folder)
}

fn write_page(command: &Command, name: &str, folder: &Path) -> io::Result<usize> {
    let is_program = name == "fhirmill";
    let mut shown = command.clone().display_name(name.to_owned());
    if !is_program {
        shown =
            shown.mut_args(|argument| if argument.is_global_set() { argument.hide(true) } else { argument });
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(shown).title(name.to_owned()).render(&mut page)?;
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    let mut pages = 1;
    for subcommand in command.get_subcommands() {
        if !subcommand.is_hide_set() && subcommand.get_name() != "help" {
            pages += write_page(subcommand, &format!("{name}-{}", subcommand.get_name()), folder)?;
        }
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn every_command_has_a_page_with_its_arguments() {
        let folder = tempfile::tempdir().expect("a folder");
        let pages = write_pages(folder.path()).expect("pages");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), pages);
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a page");
        let program = page("fhirmill.1");
        assert!(program.contains("INBOX_DIR") && program.contains("Exit codes"), "{program}");
        let restore = page("fhirmill-restore.1");
        assert!(restore.contains("\\-\\-from") && !restore.contains("inbox"), "{restore}");
        assert!(page("fhirmill-migrate-up.1").contains("Apply all pending migrations"));
    }

    #[test]
    fn each_shell_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = String::from_utf8(completions(shell)).expect("text");
            for word in ["backup", "migrate", "inbox-dir"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }
}
