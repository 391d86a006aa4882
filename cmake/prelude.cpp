// Nothing: a target needs a file, and a prelude (TidelimitTarget.cmake) is headers alone.
