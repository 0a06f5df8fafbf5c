"""Files that a long search found to be too much for a reader; each is small, and stands here as text."""

import base64
import zlib


def _told(text: str) -> bytes:
    return zlib.decompress(base64.b85decode("".join(text.split())))


ENDED_THE_PROCESS = _told(
    r"""
    c-obf%}(1u5XaX^FeE}1McK$kIdH-1fq;{e6i_&9fI!<c4H3vmF4P2LLSo0w2N4kuKr2-
    BSXDjs%%O)qL=Sz49(w8%R6TWeo$r`JSEJq4e`bF(yI$KFk_}@Ij^lU=`!JeC$b}Fx!mN+5{xR!USRcg*2XJ5!VrMXq`Ctq^av4#<WrQC-MD}7
    I=XPHu(Kyv&REtq9Mzt8#a->>7wVbH4cs7Myj5+}h%}`4f0DwFMm|zaU9tJR+k3#&|--YlXtIbB!FuRmepTgT7p)-zg=I~sX<E00r*2-
    F=Wa<tDd3#QwKfS9kTD(?spz*dx=!|0=8OvRcALNJ}iG}2~kR0BZ<#lES2ddvGPH<F5Gm6(yB=Gg(DI7R{fbjH!OYj+5y{_uoVd;1QrGgO5WUr
    ;w>Q!?@oh+WJrm0m1wW*?NSZYZ(N5qDvS8Er8B459#H#B1iSl7(Pq1xzZ0iPHYFC`Sj(_$3yGvZ)*7~Fvy4orF_O$}dbaS_fFVHbjK28MXRFY=
    ;<d;lH9^|v)ZyLL%mx#0_aUtae>80{?wCcSe@KU_|?dz=|@WcCh}LEm#=(npW<%k6yG$FcF-
    u=XQi*v}l8^kqW&<N4RcABPtl;hjf2Q1N$O`gF@%aNml%mxED%a$wT$N$F<t|KEb~jNiCk%D|O3;FG3cKw?msCfV#uW!-*Bgb$u&+E(-
    gA!Lu(?KvSWlF&(#5S?u5OiMt(3p&{(<S7&SBeWvzs+16;vs8;lviKbBwph?Mi_btl>fSqG`F5DAn;QJox0|jUnc0(kZjY>Ho-8k4v|-
    UIMI>#A-s9OVPsO&DOUngChUpo^uN}~>vD&l!A`|^Ztp0o?32Tnei)NXLSz6!9)=0kANIsfBah6xYt-Mk(k90eT=BwRje>>@FUWqmfN{bjYer^
    Abd}SsUa?jdFk?4u4P~O%y%?CjTv>rH;UHaTuvfd^;yiGE~t5RO0kW07o%5fzZsg!Mhcj?9k66P(n_PVJxLPg68skK_QHGd9Ymr~W7kHnVbrLc
    Gj-?VW<Z{VMpfuH(c%r1d*
"""
)
"""Five messages, some bytes doubled: Polars 2.1 asks for 2 EiB of memory, and the process is aborted."""
PANICKED = _told(
    r"""
    c-obf%}(1u5XaX^FeIWCploEL9JpZhK#G%+6i_&9fI!<c4H3vmF4P2LLSo0w2N4kuKr2-
    BSXDjs%&`yALm#4tp85n;Pn})oJEqXpXm|CW+272r*LH?v!`Or4IG(~jjOGw>A%u)D>m#gx!ul1~M=`<y99V+b8O&oo7(<U-
    MpSSa;n`VaFZOY6_f-;&Q!Pfd7}a7_i%~5{ss&Wbi8_bpQrN|)6X4JcwNwEB$U}e$<`C>*0K@qx#E<=52oJK_Y%~qifx_D!p)-zg=J9-
    &<E00r*2-
    F=Wa<tmZ_g?8r*{=bi`QySh1njVGmdd&EO$A6kRx&=7LwOOa(G{s*O?U@sD7t7!BHK}C|*aAz}JhXaNzhM!qbZ`!Dndox~gl3rQ=1E3PLcGy_Q
    z1SIrT1vUsYRrdAo$ri!XzsU_VU5gVFbtz8U?eEp){(2OBqT{9bpYNMkCd}2_%lu!^)i&4bSh=b)}a0hNUFzK~4HGHkbB{)xnT?o1v7~%oH$cq
    y40dx@8-
    _`)_+9iGEhA;GedEEnHw09hs^xiG~a5>%Xac0Dk**j1M{lI}qpFGkpxASEm$Hs5N+K+@`zi?pEg9+)6=U*3p9A0pQcOLCP#ou}9^DS?|eJk!>4
    o3aSfl0q7rJKqBe+$Mle&c#616SUFPnv=Oi9unSWV5f7b^9d|K6;jEThSAQkUe6z7lgD(LMKT=bh4>4Edc>9>130TXH4ji(2BIHQbLT*QY{+E;
    &ZgyVnN$1J_Grvd+&hd+hMM5YVcFvZn|=0W>50DJ+hj4y1abRhDECsk+dOtk7u_$728@aEf*9Sre_epc0jkrYR~qIO!ODA`ty+_tT{d}nq?+tX
    ?-hOBl%h*`Dp&cSzZaZ@=C=#((NFcuXdmP?WC)DCE6?~En?94wf#Htm6=$`J#QaHq9>|Cd0X2w9|RrHdf-
    TQ>2qVrdYkO<HpvLDN_mY!F5S*6$CX^9Qnvlwr5hVaSg_REo2J$X6)h{I)@s$(!a00hN>y_q5_>E^4vUxYO&d4#7XFDD_^JN|5Bz{}
"""
)
"""Five messages, a byte of the schema changed: Polars 2.1 panics where it looks for the names of columns."""
