# failback = auto: n1 comes back and must be fit for three seconds before it gets the group again.
cluster 2 1
failback auto 3000
run 3000
power-off n1
run 4000
expect-holder n2
power-on n1
run 12000
expect-holder n1
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
[  3000] n1 loses power
[  3795] n2 = record g1 takeover begins: cause lease_expired, from n1, epoch 3.n2
[  3795] n2 ! g1 gate open
[  3795] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[  3795] n2   g1 step announce
[  3795] n2 > g1 R120 epoch 3.n2: lease held and nothing wrong here: keep holding
[  3797] n2   g1 step wake-pbx
[  3799] n2   g1 step verify
[  3801] n2 = record g1 takeover: cause lease_expired, from n1, epoch 3.n2
[  5100] n1 corosync: quorum lost
[  7000] n1 has power again
[  7500] n1 agent starts, memory lost
[  7500] n1 ! g1 gate shut
[  7500] n1   g1 step announce-stop
[  7500] n1 > g1 R320 epoch 0.-: not fit: do not ask (not_quorate)
[  7500] n1 corosync: quorate
[  7502] n1   g1 step destroy-sockets
[  7504] n1   g1 step muzzle-pbx
[  7702] n1 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[  8397] n2 > g1 R404 epoch 1001.n2: epoch raised while holding, so that a voter can follow
[ 10795] n2 > g1 R280 epoch 1001.n2: the preferred candidate has been fit for long enough and the policy wants it back: hand over
[ 10795] n2 ! g1 gate shut
[ 10795] n2 > g1 R402 epoch 1001.n2: gate shut, lease released (failback)
[ 10795] n2 = record g1 let-go begins: cause failback, to n1, epoch 1001.n2
[ 10795] n2 > g1 R110 epoch 1001.n2: fit and nobody seen to hold: ask when the voters are free
[ 10795] n2   g1 step announce-stop
[ 10797] n2   g1 step destroy-sockets
[ 10798] n1 = record g1 takeover begins: cause release, from n2, epoch 1002.n1
[ 10798] n1 ! g1 gate open
[ 10798] n1 > g1 R400 epoch 1002.n1: lease won: the gate is open, announce, then wake
[ 10798] n1   g1 step announce
[ 10798] n1 > g1 R120 epoch 1002.n1: lease held and nothing wrong here: keep holding
[ 10799] n2   g1 step muzzle-pbx
[ 10800] n1   g1 step wake-pbx
[ 10801] n2 > g1 R111 epoch 1001.n2: fit, another node holds the group: stand by, ask when the voters are free
[ 10801] n2 = record g1 let-go: cause failback, to n1, epoch 1001.n2
[ 10802] n1   g1 step verify
[ 10804] n1 = record g1 takeover: cause release, from n2, epoch 1002.n1
