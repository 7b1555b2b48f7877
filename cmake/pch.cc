// Gives the precompiled header a target of its own; asio_impl.cc holds the code.
