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
[    50] n1 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[    50] n1 ! g1 gate shut
[    50] n1   g1 step announce-stop
[    52] n1   g1 step destroy-sockets
[    54] n1   g1 step muzzle-pbx
[   402] n2 agent starts
[   402] n2 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   402] n2 ! g1 gate shut
[   402] n2   g1 step announce-stop
[   403] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   403] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n2   g1 step destroy-sockets
[   405] n1 ! g1 gate open
[   405] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   405] n1   g1 step announce
[   405] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   406] n2   g1 step muzzle-pbx
[   407] n1   g1 step wake-pbx
[   409] n1   g1 step verify
[   411] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   451] n2 > g1 R111 epoch 2.n2: fit, another node holds the group: stand by, ask when the voters are free
[   507] n1 > g1 R404 epoch 3.n1: epoch raised while holding, so that a voter can follow
[  3000] n1 loses power
[  3794] n2 ! g1 gate open
[  3794] n2 > g1 R400 epoch 4.n2: lease won: the gate is open, announce, then wake
[  3794] n2   g1 step announce
[  3794] n2 > g1 R120 epoch 4.n2: lease held and nothing wrong here: keep holding
[  3796] n2   g1 step wake-pbx
[  3798] n2   g1 step verify
[  3800] n2 = record g1 takeover: cause lease_expired, from n1, epoch 4.n2
[  5100] n1 corosync: quorum lost
[  7000] n1 has power again
[  7500] n1 agent starts, memory lost
[  7500] n1 > g1 R320 epoch 0.-: not fit: do not ask (not_quorate)
[  7500] n1 ! g1 gate shut
[  7500] n1   g1 step announce-stop
[  7500] n1 corosync: quorate
[  7502] n1   g1 step destroy-sockets
[  7504] n1   g1 step muzzle-pbx
[  7701] n1 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[  8396] n2 > g1 R404 epoch 1001.n2: epoch raised while holding, so that a voter can follow
[ 10702] n2 > g1 R280 epoch 1001.n2: the preferred candidate has been fit for long enough and the policy wants it back: hand over
[ 10702] n2 ! g1 gate shut
[ 10702] n2 > g1 R402 epoch 1001.n2: gate shut, lease released (failback)
[ 10702] n2 > g1 R110 epoch 1001.n2: fit and nobody seen to hold: ask when the voters are free
[ 10702] n2   g1 step announce-stop
[ 10703] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[ 10704] n2   g1 step destroy-sockets
[ 10705] n1 ! g1 gate open
[ 10705] n1 > g1 R400 epoch 1002.n1: lease won: the gate is open, announce, then wake
[ 10705] n1   g1 step announce
[ 10705] n1 > g1 R120 epoch 1002.n1: lease held and nothing wrong here: keep holding
[ 10706] n2   g1 step muzzle-pbx
[ 10707] n1   g1 step wake-pbx
[ 10708] n2 = record g1 let-go: cause failback, to n1, epoch 1001.n2
[ 10709] n1   g1 step verify
[ 10711] n1 = record g1 takeover: cause release, from n2, epoch 1002.n1
[ 10801] n2 > g1 R111 epoch 1001.n2: fit, another node holds the group: stand by, ask when the voters are free
