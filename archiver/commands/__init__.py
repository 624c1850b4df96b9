"""The commands of the terminal, one file each. They read options, call the pipeline and print; they judge nothing."""
