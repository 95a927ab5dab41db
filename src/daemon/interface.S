/* SPDX-License-Identifier: GPL-2.0-or-later */
	.section .rodata
	.global interface_description
	.type interface_description, @object
interface_description:
	.incbin "org.iovteam.varlink"
	.byte 0
	.size interface_description, . - interface_description
	.section .note.GNU-stack, "", @progbits
