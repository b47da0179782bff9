/* Gives the machine its address if the image did not. Every Boxcar machine has the same one, so nothing is asked. */
#ifndef NETWORK_H
#define NETWORK_H

/* Does nothing where an interface other than lo has an address already. Harmless to repeat. */
void network_bring_up(void);

#endif
