//! The *program* that a definition is compiled to.

use std::ops::Range;

use super::number::Number;
use super::types::Family;
use crate::fhir::ResourceType;
use crate::json::NameId;

/// A definition that is ready to run.
#[derive(Debug)]
pub struct View {
    /// Its name, if it has one; a table needs it.
    pub name: Option<String>,
    /// Its title, or else its description.
    pub description: Option<String>,
    /// The type of the resources that it is made of.
    pub resource_type: ResourceType,
    /// Its columns, in order.
    pub columns: Vec<ViewColumn>,
    /// What is odd about the definition.
    pub warnings: Vec<super::Diagnostic>,
    pub(super) parts: Vec<Part>,
    pub(super) conditions: Vec<Located>,
}

/// A column of a view.
#[derive(Clone, Debug)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub column_type: ColumnType,
    /// It holds lists of such values.
    pub is_collection: bool,
    /// Its description.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The type whose keys it holds, if it holds references to one type only.
    pub refers_to: Option<ResourceType>,
    /// The path of its definition: `select[0].column[1]`.
    pub path: String,
}

/// What the values of a column are, whatever it is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// true or false
    Boolean,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    BigInteger,
    /// A number with its digits as written.
    Decimal,
    /// Characters; dates and times too, unless a tag asks for another type.
    Text,
    /// A day; of a month or a year, the first.
    Date,
    /// An instant; of a day, a month or a year, the first.
    Timestamp,
    /// A time of day.
    Time,
    /// Bytes.
    Bytes,
    /// The key of a resource.
    Key,
    /// Any JSON.
    Json,
}

/// A tag of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name: `ansi/type`.
    pub name: String,
    /// Its value.
    pub value: String,
    pub(super) path: String,
    pub(super) span: Range<usize>,
}

/// An expression that can fail, with its path in the definition.
#[derive(Debug)]
pub(super) struct Located {
    pub expression: Expression,
    pub path: String,
}

/// A part of a select. The rows of all parts are combined with each other.
#[derive(Debug)]
pub(super) enum Part {
    Columns(Vec<ColumnCell>),
    Select(Select),
    Union(Vec<Select>),
}

/// How a column gets its value.
#[derive(Debug)]
pub(super) struct ColumnCell {
    /// Its place among all columns.
    pub place: usize,
    pub is_collection: bool,
    pub source: Located,
}

#[derive(Debug)]
pub(super) struct Select {
    pub iteration: Option<Iteration>,
    pub parts: Vec<Part>,
}

#[derive(Debug)]
pub(super) enum Iteration {
    ForEach { source: Located, or_null: bool },
    Repeat(Vec<Located>),
}

/// An expression. Types were resolved when it was compiled.
#[derive(Debug)]
pub(super) enum Expression {
    /// No items.
    Empty,
    Boolean(bool),
    Number(Number),
    Text(String),
    RowIndex,
    ResourceKey,
    Path(Path),
    /// `exists()`, or `empty()` if it is negated.
    Exists {
        of: Box<Expression>,
        negated: bool,
    },
    Not(Box<Expression>),
    Count(Box<Expression>),
    Join(Box<Expression>, String),
    ReferenceKey(Box<Expression>, Option<ResourceType>),
    Boundary(Box<Expression>, Boundary),
    If(Box<[Expression; 3]>),
    Logic(Logic, Box<[Expression; 2]>),
    /// Whether both are equal, or not if it is negated.
    Equal {
        family: Family,
        negated: bool,
        sides: Box<[Expression; 2]>,
    },
    Compare {
        family: Family,
        order: Order,
        sides: Box<[Expression; 2]>,
    },
    Arithmetic(Arithmetic, Box<[Expression; 2]>),
    /// `&`, for which nothing is an empty text, or `+`.
    Concatenate {
        nothing_is_empty: bool,
        sides: Box<[Expression; 2]>,
    },
    Negative(Box<Expression>),
    Union(Box<[Expression; 2]>),
}

/// Where a path starts and the steps from there.
#[derive(Debug)]
pub(super) struct Path {
    pub start: Start,
    pub steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Start {
    /// The item that the expression is about.
    This,
    /// The resource.
    Resource,
    Expression(Box<Expression>),
}

/// One step of a path.
#[derive(Debug)]
pub(super) enum Step {
    Member(NameId),
    /// The variants of a choice.
    AnyMember(Box<[NameId]>),
    /// The item at the position that the expression gives; the number of the counter
    /// that it is found with.
    Index(Expression, usize),
    First,
    /// Only as the first step.
    Last,
    Where(Expression),
    /// The extensions with that URL.
    Extension(String),
    /// Only resources of that type.
    OfResource(ResourceType),
}

/// How many indexes one path may have; a longer one continues another one.
pub(super) const COUNTERS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
    Xor,
    Implies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Quotient,
    Remainder,
}

/// Which boundary of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boundary {
    pub is_high: bool,
    pub of: BoundaryOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BoundaryOf {
    Number,
    Date,
    DateTime,
    Time,
    /// `start.lowBoundary()`, `end.highBoundary()`
    Period,
}
