"""What all four packages share: exceptions, checks, files, tables, threads, compilation."""
