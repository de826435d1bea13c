//! The syntax tree of an expression.

use std::ops::Range;

/// What is wrong with an expression's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Mistake {
    pub message: String,
    pub help: Option<String>,
    pub span: Range<usize>,
    /// The name of an element that is not there: without it, the path finds nothing.
    pub missing: Option<String>,
}

impl Mistake {
    pub fn new(message: impl Into<String>, span: Range<usize>) -> Self {
        Mistake { message: message.into(), help: None, span, missing: None }
    }

    pub fn with_help(self, help: impl Into<String>) -> Self {
        Mistake { help: Some(help.into()), ..self }
    }
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Name {
    pub text: String,
    pub span: Range<usize>,
}

/// A part of an expression with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Syntax {
    pub kind: SyntaxKind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum SyntaxKind {
    /// `{}`
    Empty,
    Literal(Literal),
    /// `$this`
    This,
    /// `%name`
    Variable(String),
    /// `name`, of the context if it has no parent
    Member(Option<Box<Syntax>>, Name),
    /// `name(…)`, likewise
    Call(Option<Box<Syntax>>, Name, Vec<Syntax>),
    /// `list[index]`
    Index(Box<Syntax>, Box<Syntax>),
    Negative(Box<Syntax>),
    Binary(Operator, Box<Syntax>, Box<Syntax>),
}

/// A value that is written in the expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Literal {
    Boolean(bool),
    Text(String),
    /// Digits, perhaps with a point.
    Number(String),
    Date(String),
    DateTime(String),
    Time(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Union,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Quotient,
    Remainder,
}

impl Operator {
    pub fn text(self) -> &'static str {
        match self {
            Operator::Implies => "implies",
            Operator::Or => "or",
            Operator::Xor => "xor",
            Operator::And => "and",
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Union => "|",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Concatenate => "&",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Quotient => "div",
            Operator::Remainder => "mod",
        }
    }

    /// How tightly it binds; the highest binds first.
    pub fn strength(self) -> u8 {
        match self {
            Operator::Implies => 1,
            Operator::Or | Operator::Xor => 2,
            Operator::And => 3,
            Operator::Equal | Operator::NotEqual => 5,
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => 6,
            Operator::Union => 7,
            Operator::Add | Operator::Subtract | Operator::Concatenate => 9,
            Operator::Multiply | Operator::Divide | Operator::Quotient | Operator::Remainder => 10,
        }
    }
}
