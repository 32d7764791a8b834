mod answers;
mod create;
mod forms;
mod get;
mod list;
mod messages;
mod report;
mod waiting;
