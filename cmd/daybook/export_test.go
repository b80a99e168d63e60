package main

// Main is what the test binary is when it is re-entered as daybook.
var Main = main
