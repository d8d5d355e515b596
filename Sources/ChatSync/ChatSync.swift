/// Decides what is sent when, and what becomes of it.
enum ChatSync {}
