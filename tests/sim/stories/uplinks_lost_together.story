# Both ISPs fail, seen by n2 1.5 s later than by n1: nothing moves. ISP 1 comes back at n2 alone: it gets the group.
cluster 2 1
with-uplinks
run 6000
uplinks n1 bad bad
run 1500
uplinks n2 bad bad
run 20000
expect-holder n1
uplinks n2 good bad
run 2500
expect-holder n1
run 2000
expect-holder n2
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     1] w3 agent starts
[     1] w3 ! g1 gate shut
[    50] n1 agent starts
[    50] n1 ! g1 gate shut
[    50] n1   g1 step announce-stop
[    50] n1 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[    52] n1   g1 step destroy-sockets
[    54] n1   g1 step muzzle-pbx
[   402] n2 agent starts
[   402] n2 ! g1 gate shut
[   402] n2   g1 step announce-stop
[   402] n2 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   406] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   406] n1 ! g1 gate open
[   406] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   406] n1   g1 step announce
[   406] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   408] n1   g1 step wake-pbx
[   410] n1   g1 step verify
[   412] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   451] n2 > g1 R111 epoch 1.n2: fit, another node holds the group: stand by, ask when the voters are free
[   508] n1 > g1 R404 epoch 2.n1: epoch raised while holding, so that a voter can follow
[  6000] n1 uplink 1 is bad
[  6000] n1 uplink 2 is bad
[  6001] n1 > g1 R610 epoch 2.n1: no path here and another node has one: a moment, to see whether the cause is shared
[  7500] n2 uplink 1 is bad
[  7500] n2 uplink 2 is bad
[  7502] n1 > g1 R613 epoch 2.n1: no path here, and what failed here failed on another node at the same time: the cause is shared
[ 27500] n2 uplink 1 is good
[ 27502] n1 > g1 R610 epoch 2.n1: no path here and another node has one: a moment, to see whether the cause is shared
[ 30502] n1 > g1 R612 epoch 2.n1: no path here and another node has one: hand over
[ 30502] n1 ! g1 gate shut
[ 30502] n1 > g1 R402 epoch 2.n1: gate shut, lease released (uplink)
[ 30502] n1 = record g1 let-go begins: cause uplink, to n2, epoch 2.n1
[ 30502] n1 > g1 R110 epoch 2.n1: fit and nobody seen to hold: ask when the voters are free
[ 30502] n1   g1 step announce-stop
[ 30504] n1   g1 step destroy-sockets
[ 30505] n2 = record g1 takeover begins: cause release, from n1, epoch 3.n2
[ 30505] n2 ! g1 gate open
[ 30505] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[ 30505] n2   g1 step announce
[ 30505] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[ 30506] n1   g1 step muzzle-pbx
[ 30507] n2   g1 step wake-pbx
[ 30508] n1 = record g1 let-go: cause uplink, to n2, epoch 2.n1
[ 30509] n2   g1 step verify
[ 30511] n2 = record g1 takeover: cause release, from n1, epoch 3.n2
[ 30603] n1 > g1 R111 epoch 2.n1: fit, another node holds the group: stand by, ask when the voters are free
