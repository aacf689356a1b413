/*
 * What a home has given up does not go on: one endpoint, its owner, and the homes of its address one after the other, which are lost
 * and started anew or taken over, by the owner too, or give the role away with the directory. What is on a channel comes in order, late
 * for as long as a cut lasts, or is lost with it; the order of times that rules the rest is that of handoff.md, "Leases".
 * What it covers and what not: handoff.md, "The model".
 */
#ifndef LOSSES
#define LOSSES 2 /* of homes */
#endif
#ifndef MOVES
#define MOVES 1  /* of the role, with the directory */
#endif
#ifndef CUTS
#define CUTS 2   /* between the owner and its home */
#endif

mtype = { ready, serving, ended };
mtype = { speaks, silent, silentLong };

mtype e = serving;                  /* the endpoint; READY: the home's yes is on its way */
mtype node = speaks;                /* its owner's endpoints behind the address; long: no less than a home waits before it gives up */
bool outlived;                      /* the endpoint was serving when the lease ended */
bool lease = true;                  /* the owner hears the home that it knows */
bool doubt;                         /* that home may have given the endpoint up */
byte known = 0;
bool told = true;                   /* that it serves */

byte home = 0;
bool up = true, serves = true;
bool here;                          /* the owner is the home */
bool entry = true;                  /* the home's directory has the endpoint */
bool listed;                        /* since the home recovers */
bool cut, broke;                    /* and what was on the channel is lost */

/* A list and whether it names the endpoint, one that the home has taken; and to the owner, in this order: yes, gone, acknowledged. */
bool list, listsActive, taken, yes, gone, ack;

byte losses = LOSSES, moves = MOVES, cuts = CUTS;
bool isReset;                       /* the client has been told that the connection is gone */
bool mayKnow = true;                /* the owner has heard a home since one gave the endpoint up */
bool sure = true;                   /* a home has said that the endpoint is known, and was not cut off since */

#define EMITS (e == serving && node == speaks)
#ifdef ENDS_ALL
#define IS_OLD true
#else
#define IS_OLD outlived
#endif
#define LISTS list = true; listsActive = (e == serving); taken = false; ack = false

inline check() { assert(!(isReset && EMITS)) }
inline breakChannel() { list = false; taken = false; yes = false; gone = false; ack = false }

/* The next home recovers: it would believe what the last one may have given up. */
inline endSilent() {
    if
    :: doubt && e == serving && IS_OLD -> assert(!sure); e = ended
    :: else
    fi;
    doubt = false
}

/* What was active before the channel to the home broke, or before another home, is no less old than the silence. */
inline age() {
#ifndef OLD_BY_LEASE
    if :: node != speaks -> outlived = (e == serving) :: else fi
#else
    skip
#endif
}

/* A home that serves and has not taken the list has given up what is in it. */
inline hearThatItServes() {
    told = true; mayKnow = true;
#ifndef ONLY_LONG
    if :: node != speaks -> doubt = true; sure = false :: else fi
#endif
}

active proctype Run() {
    if :: true :: e = ready; yes = true fi;
    do
    :: atomic { up && !here && !cut && cuts > 0 -> cut = true; cuts--; sure = false }
    :: atomic { cut -> cut = false }
    :: atomic { cut && (list || taken || yes || gone || ack) -> breakChannel(); broke = true }

    /* Time: leases end when the home is not heard, and long silence is longer. */
    :: atomic { !here && lease && (cut || !up || known != home) -> lease = false; sure = sure && (!up || known == home);
        if :: node == speaks -> node = silent; outlived = (e == serving) :: else fi }
    :: atomic { !here && (cut || !up) && !lease && node == silent -> node = silentLong }

    /* The owner hears the home that it knows again. */
    :: atomic { up && !here && !cut && known == home && (!lease || broke) -> lease = true;
        if :: broke -> age() :: else fi; broke = false; mayKnow = mayKnow || told;
#ifndef NOT_BY_TIME
        if :: node == silentLong -> doubt = true :: else fi;
#endif
        if :: e == ready && entry && !yes -> yes = true :: e == ready && !entry -> gone = true :: else fi;
        LISTS }
    :: atomic { up && serves && !here && !cut && known == home && !told -> hearThatItServes() }
    /* It hears of the next. */
    :: atomic { up && !here && !cut && known != home -> known = home; told = false; breakChannel(); broke = false; mayKnow = true;
        if
        :: !serves ->
#ifndef BELIEVED
#ifdef ANY_START
            doubt = doubt || node == silentLong;
#endif
            endSilent()
#endif
        :: serves -> hearThatItServes()
        fi;
        age();
        if :: node == silentLong -> node = silent :: else fi;
        if :: e == ready && entry -> yes = true :: e == ready && !entry -> e = ended :: else fi;
        LISTS }

    /* The list. */
    :: atomic { up && !cut && list && !here && known == home -> list = false; taken = true; listed = true;
        if
        :: !serves && listsActive -> entry = true
        :: serves && listsActive && !entry -> gone = true
        :: else
        fi }
    :: atomic { up && serves && taken -> taken = false; ack = true }
    :: atomic { !cut && yes && known == home -> yes = false;
        if
        :: e == ready -> e = serving; outlived = false; sure = true; if :: node != speaks -> LISTS :: else fi
        :: else
        fi; check() }
    :: atomic { !cut && gone && !yes && known == home -> gone = false; e = ended }
    :: atomic { !cut && ack && told && !gone && !yes && known == home -> ack = false;
#ifndef DOUBTS_ON
        doubt = false;
#endif
        if :: e == serving -> sure = true :: else fi;
        if :: lease -> node = speaks :: !lease && node == silentLong -> node = silent :: else fi; check() }

    /* A home is lost. The next one recovers: who does not list holds no lease any more, and is not heard. */
    :: atomic { up && !here && losses > 0 -> up = false; losses--; breakChannel(); entry = false; isReset = isReset && mayKnow }
    :: atomic { !up -> up = true; serves = false; listed = false; home++ }
    :: atomic { !up && node != speaks && e != ready ->
        up = true; serves = false; listed = true; here = true; cut = false; home++; known = home; endSilent(); entry = (e == serving) }
    :: atomic { up && !serves && (listed || (node != speaks && cut)) -> serves = true; mayKnow = mayKnow && listed;
        if :: here -> node = speaks :: else fi; check() }

    /* It gives the role away, with its directory. */
    :: atomic { up && serves && moves > 0 -> moves--; home++; breakChannel(); here = false }
    :: atomic { up && serves && moves > 0 && !here && !cut && e != ready ->
        moves--; home++; known = home; breakChannel(); here = true; doubt = false;
#ifndef HEIR_SPEAKS
        if :: !entry -> e = ended :: else fi;
#endif
        node = speaks; lease = true; check() }

    /* It gives up whom it has not heard for long, and answers the client's next segment. */
    :: atomic { up && cut && !here && entry && node == silentLong -> entry = false; mayKnow = false;
#ifndef KEEPS_CHANNEL
        breakChannel(); broke = true
#endif
        }
    :: atomic { up && serves && !entry && !isReset -> isReset = true; check() }
    :: else -> break
    od;
    assert(up && serves && !cut);
    assert(isReset || e == ended || EMITS)
}
