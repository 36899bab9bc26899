"""Has no handler for SIGTERM, so as a namespace's first process it never gets one."""
import answering

answering.serve(answering.tcp(3000))
