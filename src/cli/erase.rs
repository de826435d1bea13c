//! Arguments of `erase`.

use clap::Args;

/// Arguments of `erase`.
#[derive(Debug, Args)]
pub struct EraseArguments {
    /// The patient: Patient/ID
    #[arg(value_name = "PATIENT", required_unless_present_any = ["list", "finish"], requires = "source")]
    pub patient: Option<String>,
    /// The sender: the name of its folder in the inbox
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Change nothing, and print what would be erased
    #[arg(long)]
    pub dry_run: bool,
    /// Erase without a question
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// What becomes of resources that mention other patients, too: erase them, or keep them without their
    /// references to this one. Without it, nothing is erased if there are any
    #[arg(long, value_name = "WHAT", value_parser = ["erase", "keep"])]
    pub shared: Option<String>,
    /// Erase this patient only, and not those that Patient.link says are the same person
    #[arg(long)]
    pub without_links: bool,
    /// Finish erasures that broke off
    #[arg(long, conflicts_with_all = ["patient", "list", "dry_run"])]
    pub finish: bool,
    /// List the erasures: when, by whom and how much, not whom
    #[arg(long, conflicts_with_all = ["patient", "dry_run", "yes"])]
    pub list: bool,
    /// Print the result as one JSON document
    #[arg(long)]
    pub json: bool,
}
