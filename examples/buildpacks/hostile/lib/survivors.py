"""A later run of the same staging: looks for what the compile run left running, and for what it left in its way."""
import left_running

left_running.report_all()
