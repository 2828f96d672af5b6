/** Every agent in the system. Adding one is a file beside this and a line here. */
