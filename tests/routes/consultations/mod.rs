mod answers;
mod create;
mod forms;
mod get;
mod list;
mod report;
mod waiting;
