# The program in this example's image: a web server that answers every request with one line.
# Written by hand so that the whole image is a kilobyte and can lie in git. It is made by
#     as server.s -o server.o && ld -n -s -o server server.o
# and put, as /server, into the one layer under image/.

        .globl  _start

        .equ    READ, 0
        .equ    CLOSE, 3
        .equ    SIGACTION, 13
        .equ    SOCKET, 41
        .equ    ACCEPT, 43
        .equ    SENDTO, 44
        .equ    BIND, 49
        .equ    LISTEN, 50
        .equ    SETSOCKOPT, 54
        .equ    EXIT, 60

        .text
_start:
        # Process 1 of a container ignores SIGTERM unless it says what to do with it.
        mov     $SIGACTION, %eax
        mov     $15, %edi
        mov     $on_sigterm, %esi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall

        mov     $SOCKET, %eax
        mov     $2, %edi                # AF_INET
        mov     $1, %esi                # SOCK_STREAM
        xor     %edx, %edx
        syscall
        mov     %eax, %ebx              # the listening socket

        mov     $SETSOCKOPT, %eax
        mov     %ebx, %edi
        mov     $1, %esi                # SOL_SOCKET
        mov     $2, %edx                # SO_REUSEADDR
        mov     $one, %r10d
        mov     $4, %r8d
        syscall

        mov     $BIND, %eax
        mov     %ebx, %edi
        mov     $address, %esi
        mov     $16, %edx
        syscall
        test    %eax, %eax
        js      failed

        mov     $LISTEN, %eax
        mov     %ebx, %edi
        mov     $16, %esi
        syscall

serve:
        mov     $ACCEPT, %eax
        mov     %ebx, %edi
        xor     %esi, %esi
        xor     %edx, %edx
        syscall
        test    %eax, %eax
        js      serve
        mov     %eax, %ebp              # the connection

        mov     $READ, %eax             # the request, whatever it is
        mov     %ebp, %edi
        lea     -4096(%rsp), %rsi
        mov     $4096, %edx
        syscall

        mov     $SENDTO, %eax
        mov     %ebp, %edi
        mov     $answer, %esi
        mov     $answer_length, %edx
        mov     $0x4000, %r10d          # MSG_NOSIGNAL: who hangs up early does not end us
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        syscall

        mov     $CLOSE, %eax
        mov     %ebp, %edi
        syscall
        jmp     serve

failed:
        mov     $1, %edi
        jmp     leave
quit:
        xor     %edi, %edi
leave:
        mov     $EXIT, %eax
        syscall

        .align  8
on_sigterm:
        .quad   quit                    # the handler
        .quad   0x04000000              # SA_RESTORER, which the kernel insists on
        .quad   quit                    # the restorer: never reached
        .quad   0                       # no signals masked
address:
        .short  2                       # AF_INET
        .byte   0x1f, 0x90              # port 8080
        .long   0                       # every interface
        .quad   0
one:
        .long   1
answer:
        .ascii  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 24\r\nConnection: close\r\n\r\n"
        .ascii  "Hello from a container.\n"
        .equ    answer_length, . - answer
